#!/usr/bin/env nextflow

include { LABEL } from './workflows/label'
include { checked ; help } from './workflows/kit/parameters'

workflow {
    main:
    def schema_file = file("${projectDir}/nextflow_schema.json")
    // read as YAML, which JSON is too: keeps the order, and numbers beyond 64 bits
    def schema = new org.yaml.snakeyaml.Yaml().load(schema_file.text)

    if (params.help) {
        println(help(schema, workflow.manifest))
    }
    else {
        def values = checked(params, schema)
        def run = [
            name: workflow.runName,
            session: workflow.sessionId.toString(),
            start: workflow.start.toString(),
            user: workflow.userName,
            version: workflow.manifest.version,
            revision: workflow.revision,
            commit: workflow.commitId,
            nextflow: workflow.nextflow.version.toString(),
            profile: workflow.profile,
            launch_dir: workflow.launchDir.toString(),
            project_dir: workflow.projectDir.toString(),
            work_dir: workflow.workDir.toString(),
        ]
        // What a user gives travels in files, never in a shell line; the sheet's name too.
        run_json = channel.of(groovy.json.JsonOutput.toJson([params: values, run: run]))
            .collectFile(name: 'run.json', cache: false)
            .first()
        sheet = []
        if (values.input) {
            def sheet_file = file(values.input, glob: false)
            sheet = channel.of(sheet_file)
                .collectFile(name: sheet_file.name.replaceAll(/^-|[^\w.-]/, '_'), cache: false)
                .first()
        }
        LABEL(run_json, schema_file, sheet)
    }
}
