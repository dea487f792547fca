/*
 * Exact blockwise labelling of cutouts:  PULL_BLOCK -> LABEL_BLOCK -> LINK_BLOCK -> STITCH -> RELABEL_BLOCK
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as LABEL_BLOCK ; COMPUTE as LINK_BLOCK } from '../modules/task/main'
include { COMPUTE as STITCH ; COMPUTE as RELABEL_BLOCK } from '../modules/task/main'

workflow LABEL {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    LABEL_BLOCK('LABEL_BLOCK', task_ch, PULL_BLOCK.out)
    LINK_BLOCK('LINK_BLOCK', task_ch, LABEL_BLOCK.out)
    STITCH('STITCH', task_ch, LABEL_BLOCK.out.mix(LINK_BLOCK.out))
    RELABEL_BLOCK('RELABEL_BLOCK', task_ch, LABEL_BLOCK.out.mix(STITCH.out))
    done_ch = PULL_BLOCK.out.mix(LABEL_BLOCK.out, LINK_BLOCK.out, STITCH.out, RELABEL_BLOCK.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
