#!/usr/bin/env nextflow

include { DESCRIBE } from './modules/describe/main'
include { BEGIN } from './workflows/kit/begin'
include { END } from './workflows/kit/end'
include { checked ; help ; parametersOf ; toConfiguration } from './workflows/kit/parameters'
include { toolOf } from './workflows/kit/images'
include { make ; setAside } from './workflows/kit/results'
include { toContainers } from './workflows/kit/sources'
include { facts } from './workflows/kit/tasks'

workflow {
    main:
    def schema_file = file("${projectDir}/nextflow_schema.json")
    // read as YAML, which JSON is too: keeps the order, and numbers beyond 64 bits
    def schema = new org.yaml.snakeyaml.Yaml().load(schema_file.text)

    if (params.help) {
        println(help(schema, workflow.manifest, params.workflow))
    }
    else {
        def values = checked(params, schema, workflow)
        def tool = values.containsKey('image') ? toolOf(values, workflow) : null
        if (tool?.problem) {
            error(tool.problem)
        }
        if (!values.dry_run) {
            make(workflow.outputDir)
            setAside(workflow.outputDir)
        }
        toConfiguration(values)
        toContainers(values, parametersOf(schema, values.workflow), workflow)
        // What a user gives travels in files, never in a shell line; the sheet's name too.
        run_json = channel.of(groovy.json.JsonOutput.toJson([workflow: values.workflow, params: values, tool: tool, run: facts(workflow)]))
            .collectFile(name: 'run.json', cache: false)
            .first()
        sheet = []
        if (values.input) {
            def sheet_file = file(values.input, glob: false)
            sheet = channel.of(sheet_file)
                .collectFile(name: sheet_file.name.replaceAll(/^-|[^\w.-]/, '_'), cache: false)
                .first()
        }
        DESCRIBE(run_json, schema_file, sheet)
        BEGIN(run_json, DESCRIBE.out.described)
        done_ch = channel.empty()
        if (values.workflow == 'command') { done_ch = COMMAND(BEGIN.out.task_ch) }
        if (values.workflow == 'label') { done_ch = LABEL(BEGIN.out.task_ch) }
        END(BEGIN.out.plan_ch, BEGIN.out.summary_ch, done_ch)
    }
}

// The workflows: each is included here, and run above by its name.
include { COMMAND } from './workflows/command'
include { LABEL } from './workflows/label'
