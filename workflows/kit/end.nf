/*
 * How every workflow ends: RECORD writes what the tasks made, SUMMARY says what became of it, and
 * PAGE shows it.
 */

include { RECORD } from '../../modules/record/main'
include { SUMMARY ; PAGE } from '../../modules/summary/main'
include { progress } from './progress'
include { conclude } from './results'
include { toSumUp } from './tasks'

workflow END {
    take:
    plan_ch     // [plan.json, [PULL_BLOCK-00000.jsonl, ...]]
    summary_ch  // [summary.txt, requests.csv, verdict.json] by PLAN, where there is nothing to run
    done_ch     // ['PULL_BLOCK-00000 0-512_0-512_0-64 ...', receipts.jsonl]

    main:
    plan_json = plan_ch.map { plan, _task_files -> plan }
    batch_ch = done_ch
        .map { _name, receipts -> receipts }
        .buffer(size: 20, remainder: true)      // [receipts.jsonl, ...]
    RECORD(plan_json, batch_ch)
    progress(plan_ch, done_ch, RECORD.out.recorded)
    SUMMARY(plan_json, toSumUp(RECORD.out.recorded))
    PAGE(SUMMARY.out.page.mix(RECORD.out.page))
    page_ch = PAGE.out.page.mix(RECORD.out.whole, SUMMARY.out.whole)
    conclude(plan_ch, summary_ch, SUMMARY.out.summary.mix(RECORD.out.summary).concat(page_ch))
}
