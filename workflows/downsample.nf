/*
 * Coarser levels of cutouts:  PULL_BLOCK, CREATE_PYRAMID -> DOWNSAMPLE_BLOCK
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as CREATE_PYRAMID ; COMPUTE as DOWNSAMPLE_BLOCK } from '../modules/task/main'

workflow DOWNSAMPLE {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    CREATE_PYRAMID('CREATE_PYRAMID', task_ch, channel.empty())
    before_ch = PULL_BLOCK.out.mix(CREATE_PYRAMID.out)
    DOWNSAMPLE_BLOCK('DOWNSAMPLE_BLOCK', task_ch, before_ch)
    done_ch = before_ch.mix(DOWNSAMPLE_BLOCK.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
