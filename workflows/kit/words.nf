/*
 * What a user wrote. Nextflow makes numbers of words that look like some, and 7 of 007; of a number
 * beyond 64 bits in JSON it makes another one.
 */

include { wordsOf } from './results'

// The parameters as they were given, numbers and dates as the texts that were written.
// known: name to what nextflow_schema.json says of it
def asWritten(given, known) {
    def words = wordsOf()
    def file_texts = textsOf(words)
    return given.collectEntries { name, value ->
        def property = known[name] ?: [:]
        def word = wordFor(name, value, words)
        [name, textFor(value, word == null ? file_texts[name] : word, property)]
    }
}

// The parameters that the command line has more than once: Nextflow passes over all but one.
def repeated() {
    def names = wordsOf().findAll { word -> word ==~ /--\w.*/ }.collect { word -> word.drop(2).tokenize('=').first() }
    return names.countBy { name -> name }.findAll { _name, number -> number > 1 }.keySet()
}

// The word that the command line has for a parameter, if Nextflow made this number of it.
def wordFor(name, value, words) {
    def start = "--${name}=".toString()
    def found = [words, words.drop(1) + ['']].transpose().findResults { word, next ->
        word == "--${name}".toString() ? next : word.startsWith(start) ? word.substring(start.size()) : null
    }
    def last = found ? found.last() : null
    return value instanceof Number && last?.isNumber() && last.toDouble() == value.toDouble() ? last : null
}

// The texts in the parameter file, by name: of a list, one for each item.
def textsOf(words) {
    def at = words.indexOf('-params-file')
    def path = at < 0 ? words.find { word -> word.startsWith('-params-file=') }?.drop(13) : words[at + 1]
    path = path ?: System.getenv('NXF_PARAMS_FILE')
    if (!path) {
        return [:]
    }
    def source = file(path, glob: false)
    if (source.size() > 1000000) {      // YAML takes minutes to read a long word
        error('the parameter file has more than a megabyte: give cutouts as a sample sheet (input)')
    }
    try {
        // JSON may be indented by tabs, and has none elsewhere; YAML is not
        def text = source.name.endsWith('.json') ? source.text.replace('\t', ' ') : source.text
        def root = new org.yaml.snakeyaml.Yaml().compose(new StringReader(text))
        return root.value.collectEntries { pair -> [pair.keyNode.value, textOf(pair.valueNode)] }
    }
    catch (Exception _error) {
        return [:]      // Nextflow read it in another way
    }
}

def textOf(node) {
    if (node instanceof org.yaml.snakeyaml.nodes.ScalarNode) {
        return node.value
    }
    return node instanceof org.yaml.snakeyaml.nodes.SequenceNode ? node.value.collect { item -> textOf(item) } : null
}

// The text of what Nextflow took for a number or a date; its own text of it where there is none, or it
// leaves a doubt: to YAML, the number 010 is 8.
def textFor(value, text, property) {
    if (value instanceof List) {
        def texts = text instanceof List && text.size() == value.size() ? text : value
        return [value, texts].transpose().collect { item, own -> textFor(item, own, property.items ?: [:]) }
    }
    if (!(value instanceof Number || value instanceof Date)) {
        return value
    }
    def doubtful = ['integer', 'number'].any { type -> type in property.type } && !(text ==~ /-?(0|[1-9]\d*)(\.\d+)?/)
    return text instanceof CharSequence && !doubtful ? text : value.toString()
}
