# find_package(flowlet), then target_link_libraries(yours PRIVATE flowlet::flowlet) or flowlet::static.
get_filename_component(_flowlet_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_package(Threads REQUIRED)
if(NOT TARGET flowlet::flowlet)
    add_library(flowlet::flowlet SHARED IMPORTED)
    set_target_properties(flowlet::flowlet PROPERTIES
        IMPORTED_LOCATION "${_flowlet_prefix}/lib/libflowlet${CMAKE_SHARED_LIBRARY_SUFFIX}"
        INTERFACE_INCLUDE_DIRECTORIES "${_flowlet_prefix}/include")
    add_library(flowlet::static STATIC IMPORTED)
    set_target_properties(flowlet::static PROPERTIES
        IMPORTED_LOCATION "${_flowlet_prefix}/lib/libflowlet.a"
        INTERFACE_INCLUDE_DIRECTORIES "${_flowlet_prefix}/include"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;m;${CMAKE_DL_LIBS}")
endif()
