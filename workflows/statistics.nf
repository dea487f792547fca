/*
 * Sizes, places, intensities and contacts of segments:  PULL_BLOCK -> MEASURE_BLOCK -> MERGE_SEGMENTS
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as MEASURE_BLOCK ; COMPUTE as MERGE_SEGMENTS } from '../modules/task/main'

workflow STATISTICS {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    MEASURE_BLOCK('MEASURE_BLOCK', task_ch, PULL_BLOCK.out)
    MERGE_SEGMENTS('MERGE_SEGMENTS', task_ch, MEASURE_BLOCK.out)
    done_ch = PULL_BLOCK.out.mix(MEASURE_BLOCK.out, MERGE_SEGMENTS.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
