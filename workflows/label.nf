/*
 * Exact blockwise labelling of cutouts:
 *
 *   DESCRIBE -> PLAN -> PULL_BLOCK -> LABEL_BLOCK -> LINK_BLOCK -> STITCH -> RELABEL_BLOCK
 *            -> RECORD -> SUMMARY
 *
 * DESCRIBE asks the archive, PLAN the database; what is recorded already is no task any more.
 */

include { DESCRIBE } from '../modules/describe/main'
include { PLAN ; PLAN as PLAN_AGAIN } from '../modules/plan/main'
include { PULL_BLOCK ; PULL_BLOCK as COMPARE_PULL_BLOCK } from '../modules/pull_block/main'
include { LABEL_BLOCK ; LABEL_BLOCK as COMPARE_LABEL_BLOCK } from '../modules/label_block/main'
include { LINK_BLOCK } from '../modules/link_block/main'
include { STITCH } from '../modules/stitch/main'
include { RELABEL_BLOCK } from '../modules/relabel_block/main'
include { RECORD } from '../modules/record/main'
include { SUMMARY } from '../modules/summary/main'
include { conclude } from './kit/results'
include { toCompare ; whenCompared ; toRun ; tasksOf ; whenReady ; progress ; toSumUp } from './kit/tasks'

workflow LABEL {
    take:
    run_json    // run.json
    schema      // nextflow_schema.json
    sheet       // cutouts.csv, or []

    main:
    DESCRIBE(run_json, schema, sheet)
    PLAN(run_json, DESCRIBE.out.described, [])

    // Blocks whose files look changed are made again beside what is recorded, and planned anew.
    compare_ch = toCompare(PLAN.out.plan)   // [plan.json, [LABEL_BLOCK-00000.jsonl, ...]]
    doubt_ch = tasksOf(compare_ch)
    COMPARE_PULL_BLOCK(whenReady('PULL_BLOCK', doubt_ch, channel.empty()))
    COMPARE_LABEL_BLOCK(whenReady('LABEL_BLOCK', doubt_ch, channel.empty()))
    compared_ch = COMPARE_PULL_BLOCK.out.receipts.mix(COMPARE_LABEL_BLOCK.out.receipts)
    PLAN_AGAIN(run_json, DESCRIBE.out.described, whenCompared(compare_ch, compared_ch))

    plan_ch = toRun(PLAN.out.plan.mix(PLAN_AGAIN.out.plan)).first()     // [plan.json, [PULL_BLOCK-00000.jsonl, ...]]
    task_ch = tasksOf(plan_ch)          // [task: 'PULL_BLOCK-00000', process: 'PULL_BLOCK', after: [], ...]

    // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', PULL_BLOCK-00000.jsonl] -> [the same name, receipts.jsonl]
    PULL_BLOCK(whenReady('PULL_BLOCK', task_ch, channel.empty()))
    LABEL_BLOCK(whenReady('LABEL_BLOCK', task_ch, PULL_BLOCK.out.receipts))
    LINK_BLOCK(whenReady('LINK_BLOCK', task_ch, LABEL_BLOCK.out.receipts))
    STITCH(whenReady('STITCH', task_ch, LABEL_BLOCK.out.receipts.mix(LINK_BLOCK.out.receipts)))
    RELABEL_BLOCK(whenReady('RELABEL_BLOCK', task_ch, LABEL_BLOCK.out.receipts.mix(STITCH.out.receipts)))

    done_ch = PULL_BLOCK.out.receipts
        .mix(LABEL_BLOCK.out.receipts, LINK_BLOCK.out.receipts, STITCH.out.receipts, RELABEL_BLOCK.out.receipts)
    batch_ch = done_ch
        .map { _name, receipts -> receipts }
        .buffer(size: 20, remainder: true)      // [receipts.jsonl, ...]
    plan_json = plan_ch.map { plan, _task_files -> plan }

    RECORD(plan_json, batch_ch)
    progress(plan_ch, done_ch, RECORD.out.recorded)
    SUMMARY(plan_json, toSumUp(RECORD.out.recorded))
    conclude(plan_ch, PLAN.out.summary.mix(PLAN_AGAIN.out.summary), SUMMARY.out.summary.mix(RECORD.out.summary))
}
