//! The folder that a build system expects around a model's two files.

use std::path::PathBuf;

use super::c::Source;
use super::choice::Exported;
use super::name::Name;

/// A folder for a build system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The header and the source alone.
    Plain,
    /// A library for the Arduino IDE, its command line and PlatformIO, with a sketch.
    Arduino,
    /// A component of ESP-IDF.
    EspIdf,
    /// A module of Zephyr, with a sample.
    Zephyr,
    /// A directory for CMake's `add_subdirectory`, with an example.
    Cmake,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Self; 5] =
        [Self::Plain, Self::Arduino, Self::EspIdf, Self::Zephyr, Self::Cmake];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Arduino => "arduino",
            Self::EspIdf => "esp-idf",
            Self::Zephyr => "zephyr",
            Self::Cmake => "cmake",
        }
    }

    /// Returns the files of a model in this layout.
    pub(super) fn files(self, name: &Name, source: &Source) -> Vec<Exported> {
        let lower = name.lower();
        let code = if self == Self::Arduino { "src/" } else { "" };
        let mut files = vec![
            (format!("{code}{lower}.h"), source.header.clone()),
            (format!("{code}{lower}.c"), source.code.clone()),
        ];
        let add = |files: &mut Vec<(String, String)>, path: &str, text: &str| {
            let text = text.replace("model", lower).replace("$TITLE$", &source.title);
            files.push((path.replace("model", lower), text));
        };
        match self {
            Self::Plain => {}
            Self::Arduino => {
                add(&mut files, "library.properties", LIBRARY_PROPERTIES);
                let sketch = example(name, source, SKETCH);
                files.push((format!("examples/{lower}_sample/{lower}_sample.ino"), sketch));
            }
            Self::EspIdf => {
                add(&mut files, "CMakeLists.txt", ESP_IDF);
                add(&mut files, "idf_component.yml", ESP_IDF_COMPONENT);
            }
            Self::Zephyr => {
                add(&mut files, "CMakeLists.txt", ZEPHYR);
                add(&mut files, "zephyr/module.yml", ZEPHYR_MODULE);
                add(&mut files, "samples/model/CMakeLists.txt", ZEPHYR_SAMPLE);
                add(&mut files, "samples/model/sample.yaml", ZEPHYR_SAMPLE_YAML);
                files.push((format!("samples/{lower}/prj.conf"), ZEPHYR_CONFIGURATION.to_string()));
                files.push((format!("samples/{lower}/src/main.c"), example(name, source, PROGRAM)));
            }
            Self::Cmake => {
                add(&mut files, "CMakeLists.txt", CMAKE);
                files.push(("example.c".to_string(), example(name, source, PROGRAM)));
            }
        }
        files.into_iter().map(|(path, text)| (PathBuf::from(path), text.into_bytes())).collect()
    }
}

/// Fills an example program in. The name is put in first, since it may contain `model`: what is put in later has it
/// already, and is not searched for `model`.
fn example(name: &Name, source: &Source, text: &str) -> String {
    let (lower, upper) = (name.lower(), name.upper());
    let conditional = source.conditions > 0;
    let condition = format!(
        "/* Your condition: {upper}_CONDITIONS numbers. */\nstatic const {} condition[{upper}_CONDITIONS] = {{0}};\n\n",
        source.number
    );
    let unit = match source.data_unit {
        1.0 => String::new(),
        unit => format!(" / {unit}"),
    };
    text.replace("MODEL", &upper)
        .replace("model", lower)
        .replace("$CONDITION$", if conditional { &condition } else { "" })
        .replace("$condition$", if conditional { " condition," } else { "" })
        .replace("$number$", source.number)
        .replace("$UNIT$", &unit)
}

const LIBRARY_PROPERTIES: &str = "\
name=model
version=1.0.0
author=you
maintainer=you
sentence=$TITLE$
paragraph=Written by flowlet export. It samples without a heap and gives the same bits on every board.
category=Data Processing
url=https://docs.rs/flowlet
architectures=*
includes=model.h
";

const SKETCH: &str = "\
/* Prints samples, one a second. */
#include <model.h>

$CONDITION$void setup() {
    Serial.begin(115200);
    if (model_self_test() != MODEL_OK) {
        Serial.println(\"this board or compiler computes other bits\");
        for (;;) {
        }
    }
}

void loop() {
    static uint64_t index = 0;
    $number$ sample[MODEL_DATA];
    model_sample_n(7, index++,$condition$ sample, MODEL_DATA);
    for (uint8_t k = 0; k < MODEL_DATA; k++) {
        Serial.print((double)sample[k]$UNIT$, 6);
        Serial.print(k + 1 < MODEL_DATA ? ',' : '\\n');
    }
    delay(1000);
}
";

const PROGRAM: &str = "\
/* Prints ten samples. */
#include <stdio.h>

#include \"model.h\"

$CONDITION$int main(void) {
    if (model_self_test() != MODEL_OK) {
        printf(\"this processor or compiler computes other bits\\n\");
        return 1;
    }
    for (uint64_t index = 0; index < 10; index++) {
        $number$ sample[MODEL_DATA];
        model_sample_n(7, index,$condition$ sample, MODEL_DATA);
        for (int k = 0; k < MODEL_DATA; k++) printf(\"%f%c\", (double)sample[k]$UNIT$, k + 1 < MODEL_DATA ? ',' : '\\n');
    }
    return 0;
}
";

const ESP_IDF: &str = "\
idf_component_register(SRCS \"model.c\" INCLUDE_DIRS \".\")
";

const ESP_IDF_COMPONENT: &str = "\
version: \"1.0.0\"
description: \"$TITLE$\"
";

// `zephyr_library()` would make the library's name of the folder's path, which may hold spaces.
const ZEPHYR: &str = "\
zephyr_library_named(flowlet_model)
zephyr_library_sources(model.c)
zephyr_include_directories(.)
";

const ZEPHYR_MODULE: &str = "\
name: model
build:
  cmake: .
samples:
  - samples
";

const ZEPHYR_SAMPLE: &str = "\
# west build -b BOARD samples/model
cmake_minimum_required(VERSION 3.20.0)
# The module beside this sample. Your own application needs this line, too, unless its west.yml names the module.
list(APPEND ZEPHYR_EXTRA_MODULES \"${CMAKE_CURRENT_SOURCE_DIR}/../..\")
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(model_sample)
target_sources(app PRIVATE src/main.c)
";

const ZEPHYR_SAMPLE_YAML: &str = "\
sample:
  name: model
tests:
  sample.model:
    harness: console
    harness_config:
      type: one_line
      # A sample. The kernel's greeting, which has numbers, too, does not match.
      regex: ['^-?\\d+\\.\\d{6}(,-?\\d+\\.\\d{6})*\\s*$']
";

const ZEPHYR_CONFIGURATION: &str = "\
# printf of floats, for the sample's output, whichever C library the board takes.
CONFIG_REQUIRES_FLOAT_PRINTF=y
# The sampler's buffers are on the stack.
CONFIG_MAIN_STACK_SIZE=4096
";

// The library's name has a beginning of its own: CMake keeps names such as `test` and `clean` to itself, and a program may
// be called as the model is.
const CMAKE: &str = "\
# add_subdirectory(this directory), then target_link_libraries(yours PRIVATE flowlet_model).
cmake_minimum_required(VERSION 3.13)
project(flowlet_model LANGUAGES C)

add_library(flowlet_model STATIC model.c model.h)
target_include_directories(flowlet_model PUBLIC \"${CMAKE_CURRENT_SOURCE_DIR}\")
target_compile_features(flowlet_model PRIVATE c_std_99)

# cmake -B build && cmake --build build && build/model_example
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
    add_executable(model_example example.c)
    target_link_libraries(model_example PRIVATE flowlet_model)
endif()
";
