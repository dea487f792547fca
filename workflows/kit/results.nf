/*
 * The end of a run, and what it leaves in outdir: requests.csv, and a directory for each complete
 * request, with links. Included more than once, so it includes nothing (Nextflow's second parser).
 */

// Makes the place for what a run leaves: better no run than one that can't say what came of it.
def make(outdir) {
    outdir.mkdirs()
    if (outdir.fileSystem == java.nio.file.FileSystems.default && !(outdir.isDirectory() && java.nio.file.Files.isWritable(outdir))) {
        error("outdir ${outdir} can't be written: give a directory that can be made, or that you may write to")
    }
}

// Puts the list of an earlier run aside: what a run leaves that is refused or killed is not its own.
def setAside(outdir) {
    def list = outdir?.resolve('requests.csv')
    if (list?.exists()) {
        try {
            list.resolveSibling('requests.before.csv').delete()
            list.moveTo(list.resolveSibling('requests.before.csv'))
        }
        catch (java.nio.file.FileSystemException failed) {
            error("outdir can't be written: ${failed.message}")
        }
    }
}

// Leaves the list of a run, and the directories of its requests; returns notes on those that it can't.
def leave(outdir, list) {
    outdir.mkdirs()
    list.copyTo(outdir.resolve(list.name))
    outdir.resolve('requests.before.csv').delete()
    def rows = list.readLines().collect { line -> cellsOf(line) }
    def requests = rows.drop(1).collect { cells -> [rows.first(), cells].transpose().collectEntries() }
    def jobs = requests
        .findAll { request -> request.directory }
        .collect { request -> ({ -> linked(outdir, request) } as java.util.concurrent.Callable) }
    def pool = java.util.concurrent.Executors.newFixedThreadPool(16)    // outdir may be in a bucket
    def done = pool.invokeAll(jobs)
    pool.shutdown()
    return done.collect { one -> one.get() }.findAll()
}

// The cells of a line of the list, which Python wrote: no cell has an end of line.
def cellsOf(line) {
    return line.findAll(/\G(?:"((?:[^"]|"")*+)"|([^,]*))(?:,|\z)/) { _all, quoted, plain ->
        quoted == null ? plain : quoted.replace('""', '"')
    }
}

// Makes the directory of a request, with links or, of one that is not complete, its error; returns a note
// if it can't. One that an earlier run made for another request of that name is kept by another name, with
// a note.
def linked(outdir, request) {
    def place = outdir.resolve(request.directory)
    def note = null
    try {
        def mark = place.resolve('request.txt')
        def owner = mark.exists() ? mark.text.trim() : ''
        if (!(owner ==~ /[0-9a-f]{16}/) && place.exists()) {
            return "${place} is there and is no request's: it has no links to request ${request.request}"
        }
        if (owner && owner != request.request) {
            def kept = outdir.resolve("${request.directory}-${owner.take(8)}")
            if (!kept.exists()) {
                java.nio.file.Files.move(place, kept)
                note = "${place} is of request ${request.request} now; that of request ${owner} is ${kept.name}"
            }
        }
        place.mkdirs()
        mark.text = "${request.request}\n"
        def wrong = place.resolve('error.txt')
        wrong.delete()
        if (request.error) {
            wrong.text = "${request.error}\n"
        }
        resultsOf(request).each { name ->
            link(place, name, request.state == 'complete' ? request[name] : '')
        }
        return note
    }
    catch (Exception failed) {
        return "${place} can't be made: ${failed.message ?: failed}"
    }
}

// The columns that are URLs of results, between those that every list has.
def resultsOf(request) {
    def columns = request.keySet().toList()
    return columns.subList(columns.indexOf('state') + 1, columns.indexOf('name'))
}

// Links to what a URL names, if it is here and links can be made; otherwise leaves the URL in a file.
def link(place, name, url) {
    def at = place.resolve(name)
    def text = place.resolve("${name}.txt")
    def target = null
    try {
        target = url.startsWith('file:') ? java.nio.file.Path.of(new URI(url)) : null
        if (target && java.nio.file.Files.isSymbolicLink(at) && java.nio.file.Files.readSymbolicLink(at) == target) {
            return
        }
    }
    catch (Exception _no_path) {                // in this locale
        target = null
    }
    if (java.nio.file.Files.isSymbolicLink(at)) {
        java.nio.file.Files.delete(at)
    }
    text.delete()
    try {
        if (target) {
            java.nio.file.Files.createSymbolicLink(at, target)
        }
    }
    catch (UnsupportedOperationException | java.nio.file.FileSystemException _no_links) {
        target = null
    }
    if (url && !target) {
        text.text = "${url}\n"
    }
}

// The end of a run: leaves requests.csv and links in outdir, prints the summary, and fails with one
// sentence if anything is missing. The failing would cut a publishDir off.
// planned_ch: the summary by PLAN, where there was nothing to run; ended_ch: by RECORD or SUMMARY, and then
// index.html or, if it could not be made, note.txt by PAGE
def conclude(plan_ch, planned_ch, ended_ch) {
    plan_ch
        .combine(ended_ch.toList())
        .map { items -> items.drop(2) }         // [[summary.txt, requests.csv, verdict.json], page]; [] if SUMMARY died
        .mix(planned_ch.map { files -> [files] })
        .subscribe { ended ->
            def missing = 'the summary could not be made: `bossflow status` shows what is missing'
            if (ended) {
                def (summary, requests, verdict) = ended.first()
                def notes = leave(workflow.outputDir, requests)
                println(summary.text + ended.drop(1).collect { page -> shownPage(workflow.outputDir, page) }.join())
                notes.take(10).each { note -> println("note: ${note}") }
                if (notes.size() > 10) {
                    println("note: and so it is with ${notes.size() - 10} more directories")
                }
                missing = new groovy.json.JsonSlurper().parse(verdict).missing
            }
            if (missing) {
                error("${missing}\nTo try again what is missing: ${sameCommand(workflow.commandLine)}")
            }
        }
}

// Leaves the page in outdir, and says where, or why there is none.
def shownPage(outdir, page) {
    if (page.name == 'note.txt') {
        return "note: ${page.text}"
    }
    try {
        return "page        ${page.copyTo(outdir.resolve(page.name)).toUriString()}"
    }
    catch (java.io.IOException failed) {
        return "note: no page was left: ${failed.message}"
    }
}

// The words after `nextflow` on the command line; none where the system does not tell.
def wordsOf() {
    def known = file('/proc/self/cmdline')
    def words = known.exists()
        ? known.text.split('\u0000', -1).toList().init()
        : (ProcessHandle.current().info().arguments().orElse(null) ?: []).toList()
    def at = words.indexOf('nextflow.cli.Launcher')
    return at < 0 ? [] : words.drop(at + 1)
}

// The command of this run, to be pasted into a shell: Nextflow's own text of it has no quotes. A name
// can't be used twice.
def sameCommand(unquoted) {
    def own = wordsOf()
    if (!own) {
        return unquoted
    }
    def named = own.indexOf('-name')
    def kept = named < 0 ? own : own.take(named) + own.drop(named + 2)
    def quoted = kept.collect { word ->
        word ==~ '[\\w@%+=:,./-]+' ? word : "'${word.replace("'", "'\\''")}'"
    }
    return "nextflow ${quoted.join(' ')}"
}
