#!/usr/bin/env bash
# Times training on an NVIDIA GPU, flowlet and PyTorch in turns on the same card: the article's small problem
# and a large one.
#   benches/gpu.sh build      builds target/gpu/flowlet; needs neither a GPU nor an installed CUDA
#   benches/gpu.sh measure    trains with flowlet and PyTorch; needs a GPU and a torch that can use it
#   benches/gpu.sh            does both
# CUDA_COMPUTE_CAP is the card's compute capability [90, an H100 or H200]. To measure on another machine, copy
# the checkout with target/gpu/flowlet there; it needs no network. flowlet uses the CUDA libraries of torch.
set -euo pipefail
cd "$(dirname "$0")/.."

build() {
    . benches/virtual-environment.sh
    virtual_environment gpu-venv benches/gpu/requirements.txt
    local cuda links=$venv/links
    cuda=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13)
    # The linker looks for library names without versions, and for the driver's library, which no wheel has.
    mkdir -p "$links"
    for library in "$cuda"/lib/lib*.so.*; do
        name=$(basename "$library")
        ln -sf "$library" "$links/${name%%.so.*}.so"
    done
    cc -shared -Wl,-soname,libcuda.so.1 -x c /dev/null -o "$links/libcuda.so"

    # The linker would drop the stub library of the driver as unneeded, and a program that does not name the
    # driver's library does not start on any machine. So the last link step names it, with --no-as-needed. Build
    # scripts, which run here, must not be linked with it.
    CUDA_HOME=$cuda CUDA_PATH=$cuda CUDA_ROOT=$cuda NVCC=$cuda/bin/nvcc PATH=$cuda/bin:$PATH \
        CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90} CUDARC_CUDA_VERSION=${CUDARC_CUDA_VERSION:-13000} \
        LIBRARY_PATH=$links RUSTFLAGS="-L native=$links -C link-arg=-Wl,--unresolved-symbols=ignore-all" \
        cargo rustc --release -p flowlet-trainer --bin flowlet --features cuda \
        --target-dir target/gpu/build -- -C link-arg=-Wl,--no-as-needed -C link-arg=-lcuda
    cp target/gpu/build/release/flowlet target/gpu/flowlet
    strip target/gpu/flowlet
    ls -l target/gpu/flowlet
    check
}

# Checks that the built program starts, and that it reports a missing card. In place of the driver is a library
# that answers every call with CUDA_ERROR_NO_DEVICE.
check() {
    local absent=target/gpu/absent cuda
    cuda=$(echo target/gpu-venv/lib/python3*/site-packages/nvidia/cu13/lib)
    mkdir -p "$absent"
    nm -D --undefined-only target/gpu/flowlet | sed -n 's/.* \(cu[A-Z][A-Za-z0-9_]*\).*/int \1(void) { return 100; }/p' |
        cc -shared -Wl,-soname,libcuda.so.1 -x c - -o "$absent/libcuda.so.1"
    without_card() { LD_LIBRARY_PATH=$absent:$cuda target/gpu/flowlet "$@"; }
    without_card --version
    local out=target/gpu/check
    rm -rf "$out"
    if without_card train mixture --device cuda --out "$out" 2> "$out.txt"; then
        echo "--device cuda trained without a card: expected an error" >&2
        exit 1
    fi
    cat "$out.txt"
    grep -q "no CUDA device can be used" "$out.txt"
    without_card train mixture --device auto --iterations 10 --out "$out"
}

measure() {
    python3 benches/gpu/training.py "$@"
}

case "${1:-both}" in
    build) build ;;
    measure) shift; measure "$@" ;;
    both) build; measure ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
