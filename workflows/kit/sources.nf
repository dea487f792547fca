/*
 * The sources that a run reads, before anything runs: of the parameters, or in the sample sheet.
 */

// Each source, and where it is named first: ['zarr://data/volume': ' in line 2 of input', ...]
def sourcesOf(values) {
    if (!values.input) {
        return [(values.source): '']
    }
    def rows = rowsOf(new String(file(values.input, glob: false).bytes, 'UTF-8').replaceFirst('^\uFEFF', ''))
    def at = rows ? rows.first().cells.findIndexOf { cell -> bare(cell).toLowerCase(Locale.ROOT) == 'source' } : -1
    def found = [:]
    rows.drop(1).findAll { row -> at >= 0 && row.cells[at] }.each { row ->
        found.putIfAbsent(bare(row.cells[at]), " in line ${row.line} of input")
    }
    return found.findAll { source, _where -> source ==~ /\P{Cntrl}+/ }
}

// The rows of a sheet: [[line: 2, cells: ['zarr://data/volume', '0,512']], ...]. Cells are those that
// bin/kit/rows.py finds, with blanks around; what is no CSV is taken as it comes: DESCRIBE refuses it.
def rowsOf(text) {
    def line = 1
    def rows = [[line: line, cells: []]]
    text.findAll(/\G(?:"((?:[^"]|"")*+)"|([^,\r\n]*))(,|\r\n|\r|\n|\z)/) { _all, quoted, plain, end ->
        rows.last().cells << (quoted == null ? plain : quoted.replace('""', '"'))
        line += (quoted ? quoted.findAll(/\r\n|\r|\n/).size() : 0) + (end == ',' ? 0 : 1)
        if (end != ',') {
            rows << [line: line, cells: []]
        }
    }
    return rows.findAll { row -> row.cells.any { cell -> bare(cell) } }
}

// A cell without the blanks around it that Python strips.
def bare(cell) {
    return cell.replaceAll(/(?U)^[\s\x1c-\x1f]+|[\s\x1c-\x1f]+$/, '')
}

// Whether a source is a volume in files, such as precomputed://data/segmentation.
def isPath(source) {
    return source ==~ /(precomputed|zarr|n5):\/\/(file:\/\/)?(?!.*:\/\/).+/
}

// Where a volume in files lies: as DESCRIBE says, from the directory where Nextflow was started, with
// links followed, and a URL that bossflow itself gave decoded. Null where Java knows no such path.
def pathOf(source, launch_dir) {
    try {
        def text = source.replaceFirst(/^\w+:\/\/(file:\/\/)?/, '')
        def path = launch_dir.resolve(text)
        if (source =~ /^\w+:\/\/file:\/\/.*%/ && !path.exists()) {
            path = launch_dir.resolve(URLDecoder.decode(text.replace('+', '%2B'), 'UTF-8'))
        }
        return path.exists() ? path.toRealPath() : path.normalize()
    }
    catch (Exception _error) {
        return null
    }
}

// Hands the sources to conf/mounts.config, if tasks run in containers: a configuration is read before
// a sheet is, and has no other way to know.
def toContainers(values, run) {
    if (run.containerEngine) {
        def volumes = sourcesOf(values).keySet().findAll { source -> source ==~ /(precomputed|zarr|n5):\/\/.*/ }
        System.setProperty('bossflow.sources', volumes.join('\n'))
    }
}
