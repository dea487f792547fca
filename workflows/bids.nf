/*
 * A BIDS App for each participant:  RUN_APP (-> RUN_GROUP), by COMMAND -> GATHER_RUNS;  VALIDATE_DATASET
 */

include { COMPUTE as GATHER_RUNS ; COMPUTE as VALIDATE_DATASET } from '../modules/task/main'

workflow BIDS {
    take:
    task_ch     // [task: 'GATHER_RUNS-00000', process: 'GATHER_RUNS', after: ['RUN_APP-00000', ...], ...]
    made_ch     // ['RUN_APP-00000 sub-01', receipts.jsonl]

    main:
    VALIDATE_DATASET('VALIDATE_DATASET', task_ch, channel.empty())
    GATHER_RUNS('GATHER_RUNS', task_ch, made_ch)
    done_ch = made_ch.mix(GATHER_RUNS.out, VALIDATE_DATASET.out)

    emit:
    done_ch     // ['GATHER_RUNS-00000 derivatives', receipts.jsonl]
}
