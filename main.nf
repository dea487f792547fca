#!/usr/bin/env nextflow

include { asked ; schemaOf } from './workflows/kit/asked'
include { BEGIN } from './workflows/kit/begin'
include { END } from './workflows/kit/end'

workflow {
    main:
    def schema_file = file("${projectDir}/nextflow_schema.json")
    def run = asked(params, schemaOf(schema_file), workflow)
    if (run) {
        BEGIN(run, schema_file)
        done_ch = channel.empty()
        if (run.workflow == 'apply') {
            // a command makes the blocks in place of the function
            function_ch = BEGIN.out.task_ch.filter { job -> !run.params.command || job.process != 'APPLY_BLOCK' }
            made_ch = APPLY(function_ch)
            if (run.params.command) { made_ch = made_ch.mix(COMMAND(BEGIN.out.task_ch, made_ch)) }
            done_ch = ROWS(BEGIN.out.task_ch, made_ch)
        }
        if (run.workflow == 'bids') {
            run_ch = COMMAND(BEGIN.out.task_ch.filter { job -> job.process == 'RUN_APP' }, channel.empty())
            group_ch = GROUP(BEGIN.out.task_ch.filter { job -> job.process == 'RUN_GROUP' }, run_ch)
            done_ch = BIDS(BEGIN.out.task_ch, run_ch.mix(group_ch))
        }
        if (run.workflow == 'command') { done_ch = COMMAND(BEGIN.out.task_ch, channel.empty()) }
        if (run.workflow == 'detect') { done_ch = DETECT(BEGIN.out.task_ch) }
        if (run.workflow == 'downsample') { done_ch = DOWNSAMPLE(BEGIN.out.task_ch) }
        if (run.workflow == 'label') { done_ch = LABEL(BEGIN.out.task_ch) }
        if (run.workflow == 'statistics') { done_ch = STATISTICS(BEGIN.out.task_ch) }
        if (run.workflow == 'tractography') { done_ch = TRACTOGRAPHY(BEGIN.out.task_ch) }
        if (run.workflow == 'watershed') { done_ch = WATERSHED(BEGIN.out.task_ch) }
        if (run.workflow == 'agglomerate') { done_ch = AGGLOMERATE(BEGIN.out.task_ch) }
        if (run.workflow == 'mesh') { done_ch = MESH(BEGIN.out.task_ch) }
        if (run.workflow == 'skeleton') { done_ch = SKELETON(BEGIN.out.task_ch) }
        if (run.workflow == 'transfer') { done_ch = TRANSFER(BEGIN.out.task_ch) }
        if (run.workflow == 'map') { done_ch = MAP(BEGIN.out.task_ch) }
        if (run.workflow == 'remap') { done_ch = REMAP(BEGIN.out.task_ch) }
        END(BEGIN.out.plan_ch, BEGIN.out.summary_ch, done_ch)
    }
}

// The workflows: each is included here, and run above by its name.
include { REMAP } from './workflows/remap'
include { MAP } from './workflows/map'
include { APPLY ; ROWS } from './workflows/apply'
include { BIDS } from './workflows/bids'
include { COMMAND ; COMMAND as GROUP } from './workflows/command'
include { LABEL } from './workflows/label'
include { DETECT } from './workflows/detect'
include { DOWNSAMPLE } from './workflows/downsample'
include { STATISTICS } from './workflows/statistics'
include { TRACTOGRAPHY } from './workflows/tractography'
include { WATERSHED } from './workflows/watershed'
include { AGGLOMERATE } from './workflows/agglomerate'
include { MESH } from './workflows/mesh'
include { SKELETON } from './workflows/skeleton'
include { TRANSFER } from './workflows/transfer'
