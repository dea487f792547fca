/*
 * Tractograms of subjects:  PULL_DWI -> MASK_WHITE_MATTER -> FIT_TENSOR, FIT_RESPONSE -> FIT_FODF
 *                           -> COLLECT_FODF -> TRACK_GROUP -> MERGE_TRACTS
 */

include { COMPUTE as PULL_DWI ; COMPUTE as MASK_WHITE_MATTER ; COMPUTE as FIT_TENSOR } from '../modules/task/main'
include { COMPUTE as FIT_RESPONSE ; COMPUTE as FIT_FODF ; COMPUTE as COLLECT_FODF } from '../modules/task/main'
include { COMPUTE as TRACK_GROUP ; COMPUTE as MERGE_TRACTS } from '../modules/task/main'

workflow TRACTOGRAPHY {
    take:
    task_ch     // [task: 'PULL_DWI-00000', process: 'PULL_DWI', after: [], ...]

    main:
    PULL_DWI('PULL_DWI', task_ch, channel.empty())
    MASK_WHITE_MATTER('MASK_WHITE_MATTER', task_ch, PULL_DWI.out)
    image_ch = PULL_DWI.out.mix(MASK_WHITE_MATTER.out)
    FIT_TENSOR('FIT_TENSOR', task_ch, image_ch)
    FIT_RESPONSE('FIT_RESPONSE', task_ch, image_ch)
    FIT_FODF('FIT_FODF', task_ch, image_ch.mix(FIT_RESPONSE.out))
    fit_ch = image_ch.mix(FIT_TENSOR.out, FIT_RESPONSE.out, FIT_FODF.out)
    COLLECT_FODF('COLLECT_FODF', task_ch, fit_ch)
    TRACK_GROUP('TRACK_GROUP', task_ch, image_ch.mix(COLLECT_FODF.out))
    MERGE_TRACTS('MERGE_TRACTS', task_ch, image_ch.mix(COLLECT_FODF.out, TRACK_GROUP.out))
    done_ch = fit_ch.mix(COLLECT_FODF.out, TRACK_GROUP.out, MERGE_TRACTS.out)

    emit:
    done_ch     // ['PULL_DWI-00000 sub-01 ...', receipts.jsonl]
}
