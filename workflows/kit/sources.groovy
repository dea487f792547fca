/*
 * The sources and paths that a run reads, before anything runs: of the parameters, and in the sample sheet.
 * Only containers need them so early.
 */

// Each source and path among the parameters: ['zarr://data/volume', 'bossdb://a/b/c', ...]
// known: name to what nextflow_schema.json says of it; formats: of what is looked for
def sourcesOf(values, known, formats = ['source', 'file-path', 'directory-path', 'path', 'destination']) {
    def read = known.findAll { _name, property -> (property.items ?: property).format in formats }.keySet()
    def found = read.collectMany { name -> listOf(values[name], known[name]) } as LinkedHashSet
    if (values.input) {
        def rows = rowsOf(textOf(nextflow.Nextflow.file([glob: false], values.input)))
        def names = rows ? rows.first().collect { cell -> bare(cell).toLowerCase(Locale.ROOT) } : []
        def at = names.findIndexValues { name -> name in read }.collect { number -> number as int }
        rows.drop(1).each { cells -> at.each { number -> found.addAll(listOf(bare(cells[number] ?: ''), known[names[number]])) } }
    }
    return found.findAll { source -> source instanceof CharSequence && source ==~ /\P{Cntrl}+/ }
}

// What a file says, without the mark at its beginning.
def textOf(file) {
    return new String(file.bytes, 'UTF-8').replaceFirst('^\uFEFF', '')
}

// What the rows of a function say, whatever its arguments are. Of Parquet nothing is known here.
def wordsOf(rows, launch_dir) {
    def table = rows instanceof CharSequence ? launch_dir.resolve(rows) : null
    return !table?.isFile() ? [] : rows.toLowerCase() ==~ /.*\.csv/ ? rowsOf(textOf(table)).drop(1).flatten() : rows.toLowerCase() ==~ /.*\.(jsonl|ndjson)/ ? valuesOf(textOf(table)) : []
}

// The folders of the files that words name: ['/data/sub-01', ...]; of many, the one above them all.
def foldersOf(words, launch_dir) {
    def folders = words.toSet().findAll { word -> word instanceof CharSequence && word ==~ /\P{Cntrl}{1,4096}+/ }
        .collect { word -> launch_dir.resolve(word).normalize() }
        .findAll { path -> path.isFile() }
        .collect { path -> path.parent } as Set
    def above = folders.size() <= 64 ? null : folders.inject { one, other ->
        while (one.nameCount && !other.startsWith(one)) { one = one.parent }
        one
    }
    return (above?.nameCount > 1 ? [above] : folders)*.toString()
}

// The values of JSON Lines; of what is none, nothing: DESCRIBE refuses it.
def valuesOf(text) {
    def slurper = new groovy.json.JsonSlurper()
    return text.readLines().collectMany { line ->
        try {
            def row = slurper.parseText(line)
            row instanceof Map ? row.values() : []
        }
        catch (Exception _error) {
            []
        }
    }
}

// What a parameter names, which may be a list: as bin/kit/parameters.py reads it.
def listOf(value, property) {
    if (value instanceof List || !property.items || !(value instanceof CharSequence)) {
        return [value].flatten()
    }
    try {
        return value.startsWith('[') ? [new groovy.json.JsonSlurper().parseText(value)].flatten() : value.tokenize(',')*.trim()
    }
    catch (groovy.json.JsonException _error) {
        return value.tokenize(',')*.trim()
    }
}

// The rows of a sheet: [['zarr://data/volume', '0,512'], ...]. Cells are those that bin/kit/rows.py finds,
// with blanks around; what is no CSV is taken as it comes: DESCRIBE refuses it.
def rowsOf(text) {
    def rows = [[]]
    text.findAll(/\G(?:"((?:[^"]|"")*+)"|([^,\r\n]*))(,|\r\n|\r|\n|\z)/) { _all, quoted, plain, end ->
        rows.last() << (quoted == null ? plain : quoted.replace('""', '"'))
        if (end != ',') {
            rows << []
        }
    }
    return rows.findAll { cells -> cells.any { cell -> bare(cell) } }
}

// A cell without the blanks around it that Python strips.
def bare(cell) {
    return cell.replaceAll(/(?U)^[\s\x1c-\x1f]+|[\s\x1c-\x1f]+$/, '')
}

// Hands the sources to conf/mounts.config, and what is written to: a configuration is read before a sheet
// is, and has no other way to know.
def toContainers(values, known, run) {
    def project = 'project_dir' in known.keySet() && !values.project_dir ? ["${run.launchDir}".toString()] : []
    def volumes = sourcesOf(values, known).findAll { source -> source ==~ /(bossflow|precomputed|zarr|n5|webknossos|bigarray|ckl|hdf5|hypersquare|mrc|nifti|npy|nrrd|nwb|planes|tiff|s3|gs):\/\/.*/ || !source.replaceFirst('^file://', '').contains('://') }
    def words = wordsOf(values.rows, run.launchDir) + sourcesOf(values, known, ['arguments']).collectMany { text -> valuesOf(text) }
    volumes += (project + foldersOf(words, run.launchDir)).unique().findAll { path -> path ==~ /\P{Cntrl}+/ }
    if (run.containerEngine != 'docker') {
        volumes = volumes.collectMany { source -> besides(run.launchDir.resolve(source), run.workDir) ?: [source] }
    }
    System.setProperty('bossflow.sources', volumes.join('\n'))
    System.setProperty('bossflow.destinations', sourcesOf(values, known, ['destination']).join('\n'))
}

// What is in a directory that the work directory is below, but for what holds that: Apptainer would put the
// whole over it. Of any other, nothing.
def besides(path, work_dir) {
    if (!work_dir.startsWith(path.normalize()) || !path.isDirectory()) {
        return []
    }
    return path.listFiles().findAll { one -> !work_dir.startsWith(one.normalize()) && !(one.name ==~ /\..*|.*\p{Cntrl}.*/) }*.toString()
}
