# Stands in for Zephyr's CMake package in tests/c/layouts: the commands that an exported module and its sample call, for
# this machine's compiler. As Zephyr does, it makes the project and the target `app` before the application's own lines,
# and finds a module by its zephyr/module.yml.
enable_language(C)
add_library(zephyr_interface INTERFACE)
# Zephyr compiles modules for a machine without an operating system.
target_compile_options(zephyr_interface INTERFACE -Os -std=c17 -Wall -Wextra -Werror)
add_executable(app)
target_link_libraries(app PRIVATE zephyr_interface)

macro(zephyr_library_named name)
    set(ZEPHYR_CURRENT_LIBRARY ${name})
    add_library(${name} STATIC "")
    target_link_libraries(${name} PUBLIC zephyr_interface)
    target_compile_options(${name} PRIVATE -ffreestanding)
    target_link_libraries(app PRIVATE ${name})
endmacro()

function(zephyr_library_sources)
    target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()

function(zephyr_include_directories)
    foreach(directory ${ARGN})
        target_include_directories(zephyr_interface INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/${directory}")
    endforeach()
endfunction()

if(NOT ZEPHYR_EXTRA_MODULES)
    message(FATAL_ERROR "the application names no module in ZEPHYR_EXTRA_MODULES")
endif()
foreach(module IN LISTS ZEPHYR_EXTRA_MODULES)
    file(STRINGS "${module}/zephyr/module.yml" lines)
    foreach(line IN LISTS lines)
        if(line MATCHES "^name: ([A-Za-z0-9_]+)$")
            set(name ${CMAKE_MATCH_1})
        elseif(line MATCHES "^  cmake: (.+)$")
            set(folder "${CMAKE_MATCH_1}")
        elseif(line MATCHES "^  - (.+)$" AND NOT IS_DIRECTORY "${module}/${CMAKE_MATCH_1}")
            message(FATAL_ERROR "${module}/zephyr/module.yml names a folder that is not there: ${CMAKE_MATCH_1}")
        endif()
    endforeach()
    add_subdirectory("${module}/${folder}" "modules/${name}")
endforeach()
