/*
 * Skeletons of segments:  PULL_BLOCK -> RUNS_BLOCK -> INDEX_RUNS -> SKELETON_BUCKET -> COLLECT_SKELETONS
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as RUNS_BLOCK ; COMPUTE as INDEX_RUNS } from '../modules/task/main'
include { COMPUTE as SKELETON_BUCKET ; COMPUTE as COLLECT_SKELETONS } from '../modules/task/main'

workflow SKELETON {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    RUNS_BLOCK('RUNS_BLOCK', task_ch, PULL_BLOCK.out)
    INDEX_RUNS('INDEX_RUNS', task_ch, RUNS_BLOCK.out)
    SKELETON_BUCKET('SKELETON_BUCKET', task_ch, RUNS_BLOCK.out.mix(INDEX_RUNS.out))
    COLLECT_SKELETONS('COLLECT_SKELETONS', task_ch, INDEX_RUNS.out.mix(SKELETON_BUCKET.out))
    done_ch = PULL_BLOCK.out.mix(RUNS_BLOCK.out, INDEX_RUNS.out, SKELETON_BUCKET.out, COLLECT_SKELETONS.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
