/*
 * The parameters, as nextflow_schema.json describes them: checked before anything starts, and shown.
 */

include { setAside } from './results'
include { sourcesOf ; isPath ; pathOf } from './sources'
include { asWritten } from './words'

// The parameters with the types of the schema; mistakes end the run with one sentence each.
// run: Nextflow's `workflow`
def checked(given, schema, run) {
    def known = schema['$defs'].values().collectEntries { group -> group.properties }
    def written = asWritten(given, known)
    def values = known.collectEntries { name, property ->
        [name, typed(written[name] == null ? property.default : written[name], property)]
    }
    def mistakes = (given.keySet() - known.keySet()).collect { name -> unknown(name, known) }
    mistakes += known
        .findAll { name, property -> mistake(values[name], property) }
        .collect { name, property -> "${name} ${mistake(values[name], property)}" }
    mistakes += beyondConfiguration(given, values)
    def profiles = run.profile.tokenize(', ')
    mistakes += known
        .findAll { name, _property -> values[name] == null }
        .findResults { name, property -> needed(name, property, profiles) }
    if (!mistakes && !values.source == !values.input) {
        mistakes += 'give either source, a channel such as bossdb://Kasthuri/ac4/neuron, or input, a sample sheet; nextflow run . --help shows all parameters'
    }
    if (!mistakes && values.input && !place(values.input)?.isFile()) {
        mistakes += "input ${shown(values.input)} is not there: give the path of a sample sheet (CSV)"
    }
    if (!mistakes && (!place(values.outdir) || place(values.outdir).isFile())) {
        mistakes += "outdir ${shown(values.outdir)} is no directory: give the path of one"
    }
    mistakes += beyondShell(run)
    if (!mistakes) {
        mistakes += [awsbatch: 's3://', google_batch: 'gs://']
            .findAll { profile, _scheme -> profile in profiles }
            .collectMany { profile, scheme -> beyondCloud(values, run, profile, scheme) }
        mistakes += 'k8s' in profiles ? beyondVolume(values, run) : []
        mistakes += ['awsbatch', 'k8s']
            .findAll { profile -> profile in profiles }
            .collectMany { profile -> unsaid(values, profile) }
    }
    if (mistakes) {
        if (given.keySet() == known.keySet() && place(values.outdir)?.isDirectory()) {
            setAside(place(values.outdir))
        }
        def more = mistakes.size() > 20 ? ["and ${mistakes.size() - 20} more"] : []
        error((mistakes.take(20) + more).join('\n'))
    }
    return values + [store: values.store ?: defaultStore(values, profiles)]
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

// What tasks in a cloud could not reach: a sentence each.
def beyondCloud(values, run, profile, scheme) {
    def mistakes = ['bucket', 'store']
        .findAll { name -> values[name] && !values[name].startsWith(scheme) }
        .collect { name -> "${name} must begin with ${scheme} with -profile ${profile}, not ${shown(values[name])}: its tasks reach nothing else" }
    mistakes += sourcesOf(values)
        .findAll { source, _where -> isPath(source) }
        .collect { source, where -> "source ${shown(source)}${where} is a volume here, which tasks of -profile ${profile} can't reach: copy it to the bucket and give that address" }
    if (run.workDir.scheme != 'file') {
        mistakes << "-work-dir must be a directory here with -profile ${profile}, not ${shown(run.workDir.toUriString())}: cloud tasks work in bucket"
    }
    if (values.token_secret && profile == 'google_batch') {
        mistakes << 'token_secret is not for -profile google_batch: docs/clouds.md says how blocks that need a token are pulled there'
    }
    if (values.source_secret && profile == 'google_batch') {
        mistakes << 'source_secret is not for -profile google_batch: docs/clouds.md says how sources that need credentials are read there'
    }
    return mistakes
}

// What tasks of a profile would lack of what is set here for sources: a sentence, or none.
def unsaid(values, profile) {
    def name = System.getenv().keySet().findAll { one -> one.startsWith('BOSSFLOW_SOURCE_AWS_') }.min()
    return name && !values.source_secret
        ? ["${name} is set here, and tasks of -profile ${profile} would not have it: give source_secret, as docs/clouds.md says"]
        : []
}

// What pods could not reach, as it is not on their volume: a sentence each.
def beyondVolume(values, run) {
    def mount = values.volume_mount
    def places = ['the work directory (-work-dir)': run.workDir, 'the clone of bossflow': run.projectDir]
    if (values.store && !(values.store ==~ /(s3|gs):\/\/.*/)) {
        places.store = place(values.store)
    }
    places += sourcesOf(values)
        .findAll { source, _where -> isPath(source) }
        .collectEntries { source, where -> ["source${where}", pathOf(source, run.launchDir)] }
    return places
        .findAll { _name, path -> !path?.startsWith(file(mount)) }
        .collect { name, path -> "${name} must be on the volume that -profile k8s mounts at ${mount} (volume_mount), not ${shown(path.toString())}: pods reach nothing else" }
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

// The value as its type where it can be read as one, otherwise as it is: the command line gives
// text or guesses, parameter files give numbers and lists.
def typed(value, property) {
    if (property.items && value instanceof List) {
        return value.collect { item -> typed(item, property.items) }
    }
    if (property.items && value ==~ property.pattern) {
        return value.findAll(/-?\d+(?:\.\d+)?/).collect { number -> typed(number, property.items) }
    }
    if (property.type == 'integer' && value ==~ /-?\d{1,30}/) {
        return value.toString().toBigInteger()
    }
    if (property.type == 'boolean' && value in ['true', 'false']) {
        return value == 'true'
    }
    if ('number' in property.type) {
        return decimal(value)
    }
    return value
}

// A number as a whole one, or as the one text of a decimal; what is none as it is. A Double is what
// its shortest text says, as it was written.
def decimal(value) {
    def text = value
    if (value instanceof Number && !(value instanceof Double && !Double.isFinite(value))) {
        def number = new BigDecimal(value.toString())
        text = number.precision() + Math.abs(number.scale()) > 1000 ? value : number.toPlainString()
    }
    if (!(text instanceof CharSequence && text ==~ /-?\d{1,40}(\.\d{1,40})?/)) {
        return value
    }
    def plain = new BigDecimal(text).stripTrailingZeros()
    return plain.scale() > 0 ? plain.toPlainString() : plain.toBigInteger()
}

// What is wrong with a typed value, or null.
def mistake(value, property) {
    if (value == null) {
        return null
    }
    if (value == true && property.type != 'boolean') {
        return 'was given without a value'
    }
    if (property.items) {
        def decimals = 'number' in property.items.type
        def form = decimals
            ? 'three numbers, x,y,z, such as 4,4,40 or in YAML [4, 4, 40]'
            : property.minItems == 2
                ? 'two whole numbers, such as 0,512 or in YAML [0, 512]'
                : 'three whole numbers, such as 64,512,512 or in YAML [64, 512, 512]'
        def fits = decimals ? { item -> isDecimal(item) } : { item -> item instanceof BigInteger }
        if (!(value instanceof List && value.size() == property.minItems && value.every(fits))) {
            return "must be ${form}, not ${shown(value)}"
        }
        if (property.format == 'range' && value[0] >= value[1]) {
            return "${value[0]},${value[1]} is empty or reversed: the first must be below the second"
        }
        return value.findResult { item -> mistake(item, property.items) }
    }
    if (property.type == 'integer' && !(value instanceof BigInteger)) {
        return "must be a whole number, not ${shown(value)}"
    }
    if (property.type == 'boolean' && !(value instanceof Boolean)) {
        return "must be true or false, not ${shown(value)}"
    }
    if ('number' in property.type) {
        return mistakeOfDecimal(value, property)
    }
    if (property.type == 'string' && !(value instanceof CharSequence)) {
        return "must be text (in quotes in a parameter file), not ${shown(value)}"
    }
    def choices = property['enum']
    if (choices && !choices.any { choice -> choice == value }) {
        return "must be ${choices.init().join(', ')} or ${choices.last()}, not ${shown(value)}"
    }
    if (property.minimum != null && value < property.minimum) {
        return "must be at least ${property.minimum}, not ${shown(value)}"
    }
    if (property.maximum != null && value > property.maximum) {
        return "must be at most ${property.maximum}, not ${shown(value)}"
    }
    if (property.maxLength != null && value.codePointCount(0, value.length()) > property.maxLength) {
        return "must be at most ${property.maxLength} characters long, not ${shown(value)}"
    }
    if (property.pattern && !(value ==~ property.pattern)) {
        return "must be written like ${property.examples ? property.examples.first() : property.default}, not ${shown(value)}"
    }
    return null
}

// Whether a value is what decimal() makes of a number.
def isDecimal(value) {
    return value instanceof BigInteger || value instanceof CharSequence && value ==~ /-?\d{1,40}\.\d{1,40}/
}

def mistakeOfDecimal(value, property) {
    if (!isDecimal(value)) {
        return "must be a decimal number, such as ${property.examples.first()}, not ${shown(value)}"
    }
    def number = new BigDecimal(value.toString())
    if (property.exclusiveMinimum != null && number <= property.exclusiveMinimum) {
        return "must be above ${property.exclusiveMinimum}, not ${shown(value)}"
    }
    if (property.minimum != null && number < property.minimum) {
        return "must be at least ${property.minimum}, not ${shown(value)}"
    }
    if (number > property.maximum) {
        return "must be at most ${property.maximum}, not ${shown(value)}"
    }
    return null
}

def unknown(name, known) {
    if (!(name ==~ /[\w-]{1,40}/)) {
        return "unknown parameter ${shown(name)}: nextflow run . --help shows them all"
    }
    if (plain(name) =~ /token|password|passwd|secret|djpass|djuser/) {
        return "unknown parameter ${name}: secrets are no parameters, which show in the process list, in logs and in reports (this one may be in .nextflow.log now: make another); set BOSSDB_TOKEN, DJ_USER and DJ_PASS by `nextflow secrets set` or in the environment"
    }
    def distances = known.collectEntries { candidate, property ->
        def words = [candidate] + (property.synonyms ?: [])
        [candidate, words.collect { word -> distance(plain(name), plain(word)) }.min()]
    }
    def nearest = distances.values().min()
    def meant = distances.findAll { _candidate, steps -> steps == nearest }.keySet().join(' or ')
    def hint = nearest <= name.size().intdiv(3) ? "did you mean ${meant}?" : 'nextflow run . --help shows them all'
    return "unknown parameter ${name}: ${hint}"
}

// --x-range arrives as xRange
def plain(name) {
    return name.toLowerCase().replaceAll('[-_]', '')
}

// Edit distance (Levenshtein), row by row.
def distance(left, right) {
    def rows = left.toList().inject((0..right.size()).toList()) { above, letter ->
        right.toList().withIndex().inject([above[0] + 1]) { row, sign ->
            def at = sign[1]
            def changed = above[at] + (letter == sign[0] ? 0 : 1)
            row + [[row.last() + 1, above[at + 1] + 1, changed].min()]
        }
    }
    return rows.last()
}

// A user's value in a sentence: on one line, and short.
def shown(value) {
    def text = value instanceof Double && !Double.isFinite(value)   // which JSON has no word for
        ? value.toString()
        : groovy.json.JsonOutput.toJson(value instanceof CharSequence ? value.take(60) : value)
    return text.size() > 60 ? "${text.take(60)}..." : text
}

def help(schema, manifest) {
    def groups = schema['$defs'].values().collect { group ->
        def lines = group.properties.collect { name, property ->
            def choices = property['enum'] ? " (${property['enum'].join(', ')})" : ''
            def preset = property.default != null ? " [${property.default}]" : ''
            "  --${name.padRight(20)}${property.description}${choices}${preset}"
        }
        "${group.title}. ${group.description}\n${lines.join('\n')}"
    }
    return """
bossflow ${manifest.version}: ${schema.description}

  nextflow run . -params-file params/kasthuri.yml
  nextflow run . --source bossdb://Kasthuri/ac4/neuron --x_range 0,512 --y_range 0,512 --z_range 25,50

${groups.join('\n\n')}
"""
}
