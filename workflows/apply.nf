/*
 * A user's function applied to blocks:  STAGE_FUNCTION -> BEGIN_APPLY, PULL_BLOCK -> APPLY_BLOCK -> COLLECT_ROWS
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as STAGE_FUNCTION ; COMPUTE as BEGIN_APPLY } from '../modules/task/main'
include { COMPUTE as APPLY_BLOCK ; COMPUTE as COLLECT_ROWS } from '../modules/task/main'

workflow APPLY {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    STAGE_FUNCTION('STAGE_FUNCTION', task_ch, channel.empty())
    BEGIN_APPLY('BEGIN_APPLY', task_ch, STAGE_FUNCTION.out)
    before_ch = PULL_BLOCK.out.mix(STAGE_FUNCTION.out, BEGIN_APPLY.out)
    APPLY_BLOCK('APPLY_BLOCK', task_ch, before_ch)
    done_ch = before_ch.mix(APPLY_BLOCK.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}

workflow ROWS {
    take:
    task_ch
    made_ch     // of all blocks, as above

    main:
    COLLECT_ROWS('COLLECT_ROWS', task_ch, made_ch)
    done_ch = made_ch.mix(COLLECT_ROWS.out)

    emit:
    done_ch
}
