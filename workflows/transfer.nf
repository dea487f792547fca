/*
 * Cutouts written to new volumes:  PULL_BLOCK, CREATE_VOLUME -> TRANSFER_BLOCK
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as CREATE_VOLUME ; COMPUTE as TRANSFER_BLOCK } from '../modules/task/main'

workflow TRANSFER {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    CREATE_VOLUME('CREATE_VOLUME', task_ch, channel.empty())
    before_ch = PULL_BLOCK.out.mix(CREATE_VOLUME.out)
    TRANSFER_BLOCK('TRANSFER_BLOCK', task_ch, before_ch)
    done_ch = before_ch.mix(TRANSFER_BLOCK.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
