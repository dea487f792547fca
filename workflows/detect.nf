/*
 * Objects as points:  PULL_BLOCK -> [COUNT_VALUES -> FIT_MIXTURE] -> DETECT_BLOCK -> SETTLE_DETECTIONS
 */

include { COMPUTE as PULL_BLOCK ; COMPUTE as COUNT_VALUES ; COMPUTE as FIT_MIXTURE } from '../modules/task/main'
include { COMPUTE as DETECT_BLOCK ; COMPUTE as SETTLE_DETECTIONS } from '../modules/task/main'

workflow DETECT {
    take:
    task_ch     // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    main:
    PULL_BLOCK('PULL_BLOCK', task_ch, channel.empty())
    COUNT_VALUES('COUNT_VALUES', task_ch, PULL_BLOCK.out)
    FIT_MIXTURE('FIT_MIXTURE', task_ch, COUNT_VALUES.out)
    before_ch = PULL_BLOCK.out.mix(FIT_MIXTURE.out)
    DETECT_BLOCK('DETECT_BLOCK', task_ch, before_ch)
    SETTLE_DETECTIONS('SETTLE_DETECTIONS', task_ch, DETECT_BLOCK.out)
    done_ch = before_ch.mix(COUNT_VALUES.out, DETECT_BLOCK.out, SETTLE_DETECTIONS.out)

    emit:
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]
}
