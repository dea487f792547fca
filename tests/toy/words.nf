#!/usr/bin/env nextflow

include { WORDS } from './workflows/words'
include { BEGIN } from './workflows/kit/begin'
include { END } from './workflows/kit/end'
include { facts } from './workflows/kit/tasks'

params.files = []
params.suffix = ''

workflow {
    main:
    def asked = [workflow: 'toy', params: params, run: facts(workflow)]
    run_json = channel.of(groovy.json.JsonOutput.toJson(asked)).collectFile(name: 'run.json', cache: false)
    described = channel.of('{}').collectFile(name: 'described.json', cache: false)
    BEGIN(run_json.first(), described.first())
    WORDS(BEGIN.out.task_ch)
    END(BEGIN.out.plan_ch, BEGIN.out.summary_ch, WORDS.out)
}
