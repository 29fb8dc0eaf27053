//! Compiles the kernels for the processor, for tests.

fn main() {
    println!("cargo::rerun-if-changed=src/kernels.c");
    #[cfg(feature = "emulated")]
    cc::Build::new()
        .file("src/kernels.c")
        .opt_level(2)
        .warnings(true)
        .compile("flowlet_gpu_kernels");
}
