/*
 * Calls of a user's Python function:  STAGE_FUNCTION -> CALL_FUNCTION
 */

include { COMPUTE as STAGE_FUNCTION ; COMPUTE as CALL_FUNCTION } from '../modules/task/main'

workflow MAP {
    take:
    task_ch     // [task: 'STAGE_FUNCTION-00000', process: 'STAGE_FUNCTION', after: [], ...]

    main:
    STAGE_FUNCTION('STAGE_FUNCTION', task_ch, channel.empty())
    CALL_FUNCTION('CALL_FUNCTION', task_ch, STAGE_FUNCTION.out)
    done_ch = STAGE_FUNCTION.out.mix(CALL_FUNCTION.out)

    emit:
    done_ch     // ['CALL_FUNCTION-00000 0123456789abcdef ...', receipts.jsonl]
}
