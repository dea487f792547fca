/*
 * What a run is asked for, before any process starts.
 */

include { checked ; help ; parametersOf ; toConfiguration } from './parameters'
include { make ; setAside } from './results'
include { facts } from './tasks'

// What run.json is to say: [workflow: 'label', params: [...], tool: null, run: [...]]; null where help was
// asked for, and is shown. A mistake ends the run.
// known: nextflow_schema.json, read; run: Nextflow's `workflow`
def asked(given, known, run) {
    if (given.help) {
        println(help(known, run.manifest, given.workflow))
        return null
    }
    def values = checked(given, known, run)
    def groups = known['$defs'][values.workflow].groups
    def tool = values.command || values.workflow in ['command', 'bids'] ? onDemand('images').toolOf(values, run) : null
    def read = 'cutout' in groups ? ['numpy', 'pyarrow', 'tensorstore'] : []     // by what reads and writes voxels
    def chosen = !tool && 'function' in groups && values.image ? onDemand('images').chosenBy(values.image, run, read) : null
    def idle = !tool && values.engine ? 'engine is for a command: give command, too, or leave it out' : null
    def problem = tool?.problem ?: chosen?.problem ?: idle
    if (problem) {
        setAside(run.outputDir)
        error(problem)
    }
    nextflow.Global.config.process.ext.chosen = chosen?.image   // to conf/containers.config
    if (!values.dry_run) {
        make(run.outputDir)
        setAside(run.outputDir)
    }
    toConfiguration(values)
    if (run.containerEngine) {
        onDemand('sources').toContainers(values, parametersOf(known, values.workflow), run)
    }
    return [workflow: values.workflow, params: values, tool: tool, run: facts(run)]
}

// nextflow_schema.json, read as YAML, which JSON is too: keeps the order, and numbers beyond 64 bits.
def schemaOf(schema_file) {
    return new org.yaml.snakeyaml.Yaml().load(schema_file.text)
}

// What few runs need: no include, since Nextflow parses these at every start.
def onDemand(name) {
    return new GroovyShell().parse(moduleDir.resolve("${name}.groovy").toFile())
}
