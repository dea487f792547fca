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
        def rows = rowsOf(new String(nextflow.Nextflow.file([glob: false], values.input).bytes, 'UTF-8').replaceFirst('^\uFEFF', ''))
        def names = rows ? rows.first().collect { cell -> bare(cell).toLowerCase(Locale.ROOT) } : []
        def at = names.findIndexValues { name -> name in read }.collect { number -> number as int }
        rows.drop(1).each { cells -> at.each { number -> found.addAll(listOf(bare(cells[number] ?: ''), known[names[number]])) } }
    }
    return found.findAll { source -> source instanceof CharSequence && source ==~ /\P{Cntrl}+/ }
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
def toContainers(values, known) {
    def volumes = sourcesOf(values, known).findAll { source -> source ==~ /(bossflow|precomputed|zarr|n5|webknossos|bigarray|ckl|hdf5|hypersquare|mrc|nifti|npy|nrrd|nwb|planes|tiff|s3|gs):\/\/.*/ || !source.replaceFirst('^file://', '').contains('://') }
    System.setProperty('bossflow.sources', volumes.join('\n'))
    System.setProperty('bossflow.destinations', sourcesOf(values, known, ['destination']).join('\n'))
}
