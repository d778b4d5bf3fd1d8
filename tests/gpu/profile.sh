#!/bin/sh
# The paper's presets on one GPU of 80 GB: forward, training step, sampling; float32, bfloat16, compiled, as CUDA graph,
# checkpointed. Usage: PYTHON=python tests/gpu/profile.sh OUT   (about six minutes on an H100)
set -u
out=$1
profile() { # NAME BATCHES variant and options
    name=$1; shift
    echo "== $name"
    "${PYTHON:-python}" -m cli profile "$@" --device cuda --out "$out/$name" || failed=1
}
failed=0
latents="--image-size 32 --channels 4 --num-classes 1000 --null-label"
# shellcheck disable=SC2086
each() { # NAME BATCH variant and its images
    name=$1 batch=$2; shift 2
    profile "$name" "$@" --mode forward,train --dtypes bfloat16 --batch-sizes "$batch" --compile --cuda-graphs --measure-peak
    profile "$name" "$@" --mode forward,train --dtypes float32 --batch-sizes "$batch" --rounds 5
    profile "$name" "$@" --mode sample --dtypes bfloat16 --batch-sizes 500 --nfe "$nfe" --rounds 3
}
nfe=50
each s2 128 uvit-s/2 --image-size 32 --channels 3
each m4 128 uvit-m/4 --image-size 64 --channels 3
nfe=10
each l2 128 uvit-l/2 $latents
each h2 64 uvit-h/2 $latents
profile h2 uvit-h/2 $latents --mode train --dtypes bfloat16 --batch-sizes 128 --gradient-checkpointing # the official table's columns
exit $failed
