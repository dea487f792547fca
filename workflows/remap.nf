/*
 * Segmentations rewritten by a table:  PULL_BLOCK, READ_TABLE -> REMAP_BLOCK -> SUM_REMAPPED
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as READ_TABLE } from '../modules/task/main'
include { COMPUTE as REMAP_BLOCK ; COMPUTE as SUM_REMAPPED } from '../modules/task/main'

workflow REMAP {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    READ_TABLE('READ_TABLE', task_ch, channel.empty())
    before_ch = PULL_BLOCK.out.mix(READ_TABLE.out)
    REMAP_BLOCK('REMAP_BLOCK', task_ch, before_ch)
    SUM_REMAPPED('SUM_REMAPPED', task_ch, REMAP_BLOCK.out)
    done_ch = before_ch.mix(REMAP_BLOCK.out, SUM_REMAPPED.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
