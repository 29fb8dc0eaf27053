#!/usr/bin/env bash
# Times training and sampling on an NVIDIA GPU, beside PyTorch on the same card and beside the processor.
#   benches/gpu.sh build            builds target/gpu/; needs neither a GPU nor CUDA
#   benches/gpu.sh measure [ARGS]   measures; needs a GPU and a torch that can use it. ARGS are those of
#                                   benches/gpu/training.py
#   benches/gpu.sh                  does both
# To measure on another machine, copy the checkout with target/gpu/ there; it needs no network. flowlet uses the CUDA
# libraries of torch.
set -euo pipefail
cd "$(dirname "$0")/.."

build() {
    cargo build --release -p flowlet-trainer --features cuda --bin flowlet --example card_sampling
    mkdir -p target/gpu
    cp target/release/flowlet target/release/examples/card_sampling target/gpu/
    strip target/gpu/flowlet target/gpu/card_sampling
    ls -l target/gpu/flowlet target/gpu/card_sampling
    [ -e /dev/nvidiactl ] || check
}

# Checks that the built program starts without a card, and reports that it is missing.
check() {
    local out=target/gpu/check
    rm -rf "$out" "$out.txt"
    if target/gpu/flowlet train mixture --device cuda --out "$out" 2> "$out.txt"; then
        echo "--device cuda trained without a card: expected an error" >&2
        exit 1
    fi
    cat "$out.txt"
    grep -q "no CUDA device can be used" "$out.txt"
    target/gpu/flowlet train mixture --device auto --iterations 10 --out "$out"
}

measure() {
    python3 benches/gpu/training.py "$@"
    # The directories of torch's CUDA libraries.
    LD_LIBRARY_PATH=$(python3 benches/gpu/training.py --libraries):${LD_LIBRARY_PATH:-} \
        target/gpu/card_sampling weights/mixture/model.safetensors 10000000 50
}

case "${1:-both}" in
    build) build ;;
    measure) shift; measure "$@" ;;
    both) build; measure ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
