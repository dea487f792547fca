/*
 * The image that a user names for a tool, known by what it holds, or for functions, before anything runs.
 */

// What runs a tool, and in what: [engine: 'docker', image: 'name@sha256:...', digest: 'sha256:...'].
// Docker resolves a tag here, once; a local image goes by its id, a .sif file by its sha256. Without
// docker, a tag is left for its registry to tell (tag). What can't be used is a sentence (problem).
def toolOf(values, run) {
    def image = values.image
    def inherited = run.containerEngine in ['apptainer', 'singularity'] ? run.containerEngine : null
    def engine = values.engine ?: (image ? inherited : null)
    def cloud = run.profile.tokenize(', ').find { profile -> profile in ['awsbatch', 'google_batch', 'k8s'] }
    if (cloud) {
        return [problem: "command is not for -profile ${cloud} yet: run it here, or on a cluster".toString()]
    }
    if (!image && run.containerEngine) {
        return [problem: "give an image: with -profile ${run.profile}, programs of this machine are not looked for".toString()]
    }
    if (!image) {
        if (engine && engine != 'none') {
            return [problem: "engine ${engine} needs an image: give one, or leave engine out".toString()]
        }
        return [engine: 'none', image: '', digest: '']
    }
    if (engine == 'none') {
        return [problem: "engine none runs no image: leave image out, or give docker or apptainer".toString()]
    }
    if (image.endsWith('.sif')) {
        return ofFile(image, engine, run.launchDir)
    }
    if (!(image ==~ /(docker:\/\/)?[\w][\w.:\/@-]*/)) {
        return [problem: "image ${image} is no name of an image, such as alpine:3.20, and no path of a .sif file".toString()]
    }
    def name = image.replaceFirst('^docker://', '')
    def known = name.find(/sha256:[0-9a-f]{64}$/)
    if (engine in ['apptainer', 'singularity']) {
        return [engine: engine, image: "docker://${name}".toString(), digest: known ?: '', tag: known ? '' : name]
    }
    return ofDocker(name)
}

// In which image functions are called: [image: 'lab/analysis:1.2']. Docker, if it is to run it, is asked
// here whether it holds what tasks need, of Python's modules those that are named. What can't be used is a
// sentence (problem).
def chosenBy(image, run, modules = []) {
    if (!run.containerEngine) {
        return [problem: 'image needs a profile that runs containers: add -profile docker or -profile apptainer, or leave image out'.toString()]
    }
    if (!(image instanceof CharSequence && image ==~ /\w[\w.:\/@-]*/)) {
        return [problem: "image ${image} is no name of an image, such as lab/analysis:1.2".toString()]
    }
    if (run.containerEngine != 'docker' || run.profile.tokenize(', ').any { profile -> profile in ['awsbatch', 'google_batch', 'k8s'] }) {
        return [image: image]
    }
    def known = ofDocker(image)
    if (known.problem) {
        return known
    }
    def look = 'for one in ps python3; do command -v $one >/dev/null || { echo "no $one"; exit 1; }; done; python3 -c "import sys; sys.exit(sys.version_info < (3, 11) and \'a Python that is older than 3.11\')" || exit; for one; do python3 -c "import $one" 2>/dev/null || { echo "no module $one"; exit 1; }; done'
    def answer = said(['docker', 'run', '--rm', '--network', 'none', '--entrypoint', 'bash', image, '-c', look, 'look'] + modules)
    if (answer.status != 0) {
        def lacking = answer.text.readLines().findAll { line -> line ==~ /no ps|no python3|no module \w+|a Python that .*/ }
        return [problem: "image ${image} has ${lacking ? lacking.first() : 'no bash'}: functions are called where bash, ps and Python 3.11 or newer are${modules ? ", with ${modules.join(', ')}" : ''}".toString()]
    }
    return [image: image]
}

def ofFile(image, engine, launch_dir) {
    if (engine == 'docker') {
        return [problem: "image ${image} is a .sif file, which docker does not run: leave engine out".toString()]
    }
    def sif = launch_dir.resolve(image)
    if (!sif.isFile()) {
        return [problem: "image ${image} is not there: give the path of a .sif file".toString()]
    }
    def sha256 = java.security.MessageDigest.getInstance('SHA-256')
    sif.eachByte(1 << 20) { bytes, count -> sha256.update(bytes, 0, count) }
    return [engine: engine ?: 'apptainer', image: sif.toRealPath().toString(), digest: "sha256:${sha256.digest().encodeHex()}".toString()]
}

// Of an image that is not here, docker fetches what its tag stands for now.
def ofDocker(name) {
    def inspect = ['docker', 'image', 'inspect', '--format', '{{.Id}}{{range .RepoDigests}} {{.}}{{end}}', name]
    def answer = said(inspect)
    if (answer.status == 1) {
        def pulled = said(['docker', 'pull', '--quiet', name])
        answer = pulled.status == 0 ? said(inspect) : pulled
    }
    if (answer.status != 0) {
        return [problem: "image ${name} can't be used: ${answer.text.readLines().findAll().takeRight(1).join(' ') ?: 'docker does not know it'}".toString()]
    }
    // docker may have warned of something, too
    def names = answer.text.tokenize().findAll { word -> word ==~ /(.+@)?sha256:[0-9a-f]{64}/ }
    if (!names) {
        return [problem: "image ${name} can't be used: docker does not tell its id".toString()]
    }
    def image = name ==~ /.*@sha256:[0-9a-f]{64}/ ? name : names.drop(1) ? names[1] : names[0]
    return [engine: 'docker', image: image, digest: image.find(/sha256:[0-9a-f]{64}$/)]
}

// What a command says, and how it ends; no shell reads its words.
def said(words) {
    try {
        def process = new ProcessBuilder(words).redirectErrorStream(true).start()
        process.outputStream.close()
        def text = process.inputStream.text
        return [status: process.waitFor(), text: text]
    }
    catch (IOException failed) {
        return [status: -1, text: "${words[0]} can't be started: ${failed.message}"]
    }
}
