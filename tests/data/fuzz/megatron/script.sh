#!/bin/bash
GPUS=8
NODES=${NNODES:-"1"}
LAYERS=12
LAUNCH=(--nproc_per_node $GPUS --nnodes $NODES)
MODEL=(
    --num-layers $LAYERS --hidden-size 1024 --num-attention-heads 16 # heads
    --seq-length 4096 --max-position-embeddings 4096 --position-embedding-type rope
    --group-query-attention --num-query-groups 4 --swiglu --ffn-hidden-size 2816
    --num-experts 8 --moe-router-topk 2 --moe-ffn-hidden-size 704
    --moe-layer-freq "([0]+[1]*$(($LAYERS-1)))"
)
if [ "$1" = big ]; then
  MODEL+=(--hidden-size 4096)
fi
torchrun ${LAUNCH[@]} pretrain_gpt.py ${MODEL[@]} --bf16 --micro-batch-size 1 --global-batch-size 64 \
    --tensor-model-parallel-size 2 --pipeline-model-parallel-size 2 --sequence-parallel \
    --pipeline-model-parallel-layout 'Et*3|(tt|)*2,t*5L' --expert-model-parallel-size 2 \
    --expert-tensor-parallel-size 1 --use-distributed-optimizer --vocab-size 32000
