/*
 * What must be known of the parameters before any process starts, and --help. nextflow_schema.json
 * describes them. Checked here are those that it marks `launch`; DESCRIBE checks all others
 * (bin/kit/parameters.py).
 */

include { setAside } from './results'
include { asWritten ; repeated } from './words'

// The parameters of the workflow that is asked for; mistakes end the run with one sentence each.
// Numbers are texts, as they were written.
// run: Nextflow's `workflow`
def checked(given, schema, run) {
    def groups = schema['$defs']
    def every = propertiesOf(groups)
    def written = asWritten(given, every)
    def name = written.workflow == null ? every.workflow.default : written.workflow
    if (!workflowsOf(groups).containsKey(name)) {
        error(noWorkflow(name, groups))
    }
    def known = propertiesOf(groupsOf(groups, name))
    def launch = known - parametersOf(schema, name)
    def values = known.collectEntries { key, property ->
        def value = written[key] == null ? property.default : written[key]
        [key, property.type == 'boolean' && value in ['true', 'false'] ? value == 'true' : value]
    }
    def profiles = run.profile.tokenize(', ')
    def strange = given.keySet() - known.keySet()
    def mistakes = strange.findResults { key -> stranger(key, written[key], known, groups, name) }
    mistakes += launch
        .findAll { key, property -> mistake(values[key], property) }
        .collect { key, property -> "${key} ${mistake(values[key], property)}" }
    mistakes += repeated().collect { key -> "${key} is given more than once: give it once, several values as a list" }
    mistakes += beyondConfiguration(given, values)
    mistakes += launch
        .findAll { key, _property -> values[key] == null }
        .findResults { key, property -> needed(key, property, profiles) }
    if (!mistakes && values.input && !place(values.input)?.isFile()) {
        mistakes += "input ${shown(values.input)} is not there: give the path of a sample sheet (CSV)"
    }
    if (!mistakes && (!place(values.outdir) || place(values.outdir).isFile())) {
        mistakes += "outdir ${shown(values.outdir)} is no directory: give the path of one"
    }
    if (!mistakes && System.getenv('NXF_SYNTAX_PARSER') == 'v2' && run.outputDir != place(values.outdir)) {
        mistakes += "outdir ${shown(values.outdir)} is kept from the configuration by Nextflow's strict parser: unset NXF_SYNTAX_PARSER"
    }
    mistakes += beyondShell(run)
    if (!mistakes) {
        mistakes += [awsbatch: 's3://', google_batch: 'gs://']
            .findAll { profile, _scheme -> profile in profiles }
            .collectMany { profile, scheme -> beyondCloud(values, run, profile, scheme) }
    }
    if (mistakes) {
        if (!strange && place(values.outdir)?.isDirectory()) {
            setAside(place(values.outdir))
        }
        def more = mistakes.size() > 20 ? ["and ${mistakes.size() - 20} more"] : []
        error((mistakes.take(20) + more).join('\n'))
    }
    return values + [store: values.store ?: defaultStore(values, profiles)]
}

// The groups of parameters of a workflow: its own, which has `groups`, those that this names, and those
// that no workflow names.
def groupsOf(groups, name) {
    def own = groups[name]?.groups ?: []
    def taken = groups.values().collectMany { group -> group.groups ?: [] }
    return groups.findAll { key, group -> key == name || key in own || group.groups == null && !(key in taken) }
}

// The workflows, by their names: the groups of their own.
def workflowsOf(groups) {
    return groups.findAll { _name, group -> group.groups != null }
}

// Of a workflow, the parameters that DESCRIBE checks.
def parametersOf(schema, name) {
    return propertiesOf(groupsOf(schema['$defs'], name).findAll { _name, group -> !group.launch })
}

def propertiesOf(groups) {
    return groups.values().collectEntries { group -> group.properties }
}

def noWorkflow(name, groups) {
    def names = workflowsOf(groups).keySet()
    def near = name instanceof CharSequence && name ? names.closest(name.toLowerCase()) : []
    def hint = near ? "did you mean ${near.join(' or ')}?" : "there are ${names.join(', ')}"
    return "workflow ${shown(name)} is not known: ${hint}"
}

// What to say of an absent parameter that a profile of the run needs, or null.
def needed(name, property, profiles) {
    def at = property.profiles ? property.profiles.findIndexOf { profile -> profile in profiles } : -1
    if (at < 0) {
        return null
    }
    def meaning = property.description.tokenize(';').first()
    return "${name} is needed by -profile ${property.profiles[at]}, such as --${name} ${property.examples[at] ?: property.examples.first()} (${meaning})"
}

// Where products live if nothing is said: beside the work of cloud tasks, on the volume of pods, or
// (null) in BOSSFLOW_HOME.
def defaultStore(values, profiles) {
    if ('k8s' in profiles) {
        return "${values.volume_mount}/store".toString()
    }
    return values.bucket ? "${values.bucket.replaceFirst('/$', '')}/store".toString() : null
}

// Directories whose names Nextflow writes into its shell scripts as they are: a sentence each.
def beyondShell(run) {
    def places = [
        ['the work directory (give another with -work-dir)', run.workDir, '[\\p{Cntrl}${}]'],
        ['the clone of bossflow', run.projectDir, '[\\p{Cntrl}${}"`\\\\:]'],
    ]
    return places.findResults { name, path, signs ->
        def found = path.toString().findAll(signs).unique()
        found ? "the path of ${name} must not have ${shown(found.join(' '))}, which Nextflow's scripts would take for a shell's: ${shown(path.toString())}" : null
    }
}

// Texts that Nextflow's configuration has as other numbers: a sentence each. It is read before they
// are, and has no other way to know.
def beyondConfiguration(given, values) {
    def names = ['outdir', 'store', 'queue', 'region', 'project', 'registry', 'namespace', 'service_account', 'volume_claim']
    return names
        .findAll { name -> given[name] instanceof Number && given[name].toString() != values[name].toString() }
        .collect { name ->
            def instead = name in ['outdir', 'store'] ? "write ./${values[name]}" : "set params.${name} = '${values[name]}' in a file that you give with -c"
            "${name} ${values[name]} is the number ${given[name]} to Nextflow: ${instead}"
        }
}

// Hands on what the configuration has as another number, if there is a way.
def toConfiguration(values) {
    def slurm = nextflow.Global.config.executor?.get('$slurm')
    if (slurm && values.account) {
        slurm.put('account', values.account)
    }
}

// What a cloud's tasks could not reach: a sentence each. DESCRIBE looks at what they read.
def beyondCloud(values, run, profile, scheme) {
    def mistakes = ['bucket', 'store']
        .findAll { name -> values[name] && !values[name].startsWith(scheme) }
        .collect { name -> "${name} must begin with ${scheme} with -profile ${profile}, not ${shown(values[name])}: its tasks reach nothing else" }
    if (run.workDir.scheme != 'file') {
        mistakes << "-work-dir must be a directory here with -profile ${profile}, not ${shown(run.workDir.toUriString())}: cloud tasks work in bucket"
    }
    if (profile == 'google_batch') {
        mistakes += [token_secret: 'blocks that need a token are pulled', source_secret: 'sources that need credentials are read']
            .findAll { name, _what -> values[name] }
            .collect { name, what -> "${name} is not for -profile google_batch: docs/clouds.md says how ${what} there" }
    }
    return mistakes
}

// What a path or an address names; null where Nextflow knows no such.
def place(path) {
    try {
        return file(path, glob: false)
    }
    catch (Exception _error) {
        return null
    }
}

// What is wrong with a parameter that is needed before any process starts, or null.
def mistake(value, property) {
    if (property.type == 'boolean' && !(value instanceof Boolean)) {
        return "must be true or false, not ${shown(value)}"
    }
    if (value == null || property.type == 'boolean') {
        return null
    }
    if (value == true) {
        return 'was given without a value'
    }
    if (!(value instanceof CharSequence)) {
        return "must be text, not ${shown(value)}"
    }
    def choices = property['enum']
    if (choices && !(value in choices)) {
        return "must be ${choices.init().join(', ')} or ${choices.last()}, not ${shown(value)}"
    }
    if (property.maxLength && value.codePointCount(0, value.length()) > property.maxLength) {
        return "must be at most ${property.maxLength} characters long, not ${shown(value)}"
    }
    if (property.pattern && !(value ==~ property.pattern)) {
        return "must be written like ${property.examples ? property.examples.first() : property.default}, not ${shown(value)}"
    }
    return null
}

// What to say of a parameter that the workflow has not; null where it is another one's default.
def stranger(name, value, known, groups, workflow) {
    if (!(name ==~ /[\w-]{1,40}/)) {
        return "unknown parameter ${shown(name)}: nextflow run . --help shows them all"
    }
    if (plain(name) =~ /token|password|passwd|secret|djpass|djuser/) {
        return "unknown parameter ${name}: secrets are no parameters, which show in the process list, in logs and in reports (this one may be in .nextflow.log now: make another); set BOSSDB_TOKEN, DJ_USER and DJ_PASS by `nextflow secrets set` or in the environment"
    }
    def others = workflowsOf(groups).keySet().findAll { other -> name in propertiesOf(groupsOf(groups, other)) }
    def words = known.collectMany { key, property -> ([key] + (property.synonyms ?: [])).collect { word -> [plain(word), key] } }
    if (others) {
        def usual = groups.values().collect { group -> group.properties[name]?.default }
        if (value == null || value.toString() in usual*.toString()) {
            return null
        }
        if (!(plain(name) in words*.first())) {     // nor what it calls something of its own
            return "${name} is a parameter of workflow ${others.join(', ')}, and not of ${workflow}: leave it out, or give --workflow ${others.first()}"
        }
    }
    def near = plain(name) ? words*.first().closest(plain(name)) : []
    def meant = words.findAll { word, _key -> word in near }*.last().unique().join(' or ')
    return "unknown parameter ${name}: ${meant ? "did you mean ${meant}?" : "nextflow run . --workflow ${workflow} --help shows them all"}"
}

// --x-range arrives as xRange
def plain(name) {
    return name.toLowerCase().replaceAll('[-_]', '')
}

// A user's value in a sentence: on one line, and short.
def shown(value) {
    def text = groovy.json.JsonOutput.toJson(value instanceof CharSequence ? value.take(60) : value)
    return text.size() > 60 ? "${text.take(60)}..." : text
}

// The page of --help: the workflows, or one's parameters, and what all take.
def help(schema, manifest, name) {
    def groups = schema['$defs']
    if (name != null && !workflowsOf(groups).containsKey(name)) {
        error(noWorkflow(name, groups))
    }
    // a workflow's own come first
    def pages = groupsOf(groups, name).sort { entry -> entry.key == name ? 0 : 1 }.values().collect { group ->
        def lines = group.properties.collect { key, property ->
            def choices = property['enum'] ? " (${property['enum'].join(', ')})" : ''
            def preset = property.default != null && property.default != false ? " [${property.default}]" : ''
            "  --${key.padRight(22)}${property.description}${choices}${preset}"
        }
        "${group.title}. ${group.description}${group.per_row ? ' Each may be a column of the sample sheet.' : ''}\n${lines.join('\n')}"
    }
    def workflows = workflowsOf(groups).collect { key, group -> "  ${key.padRight(24)}${group.description}" }
    def about = name == null ? schema.description : workflowsOf(groups)[name].description
    def examples = name in [null, 'label']
        ? ['-params-file params/kasthuri.yml', '--source bossdb://Kasthuri/ac4/neuron --x_range 0,512 --y_range 0,512 --z_range 25,50']
        : ["--workflow ${name} ${'source' in propertiesOf(groupsOf(groups, name)) ? '--source precomputed://data/volume' : '-params-file FILE.yml'}"]
    return """
bossflow ${manifest.version}: ${about}

${examples.collect { words -> "  nextflow run . ${words}" }.join('\n')}

Workflows. nextflow run . --workflow NAME --help shows what one takes.
${workflows.join('\n')}

${pages.join('\n\n')}
"""
}
