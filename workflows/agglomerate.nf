/*
 * Regions merged by affinities:  PULL_BLOCK -> REGION_BLOCK -> MERGE_REGIONS
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as REGION_BLOCK ; COMPUTE as MERGE_REGIONS } from '../modules/task/main'

workflow AGGLOMERATE {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    REGION_BLOCK('REGION_BLOCK', task_ch, PULL_BLOCK.out)
    MERGE_REGIONS('MERGE_REGIONS', task_ch, REGION_BLOCK.out)
    done_ch = PULL_BLOCK.out.mix(REGION_BLOCK.out, MERGE_REGIONS.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
