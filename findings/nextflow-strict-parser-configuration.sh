#!/bin/bash
# Nextflow 25.04.0: the strict parser hands the configuration no parameters of the command line or
# of a parameter file, and a file given with `-c` hides the profiles of nextflow.config.
#
# Pipelines derive settings from parameters in nextflow.config, such as `outputDir` and the report's
# file from `params.outdir`. NXF_SYNTAX_PARSER=v2 is said to choose the parser of scripts and of
# configuration, and both accept this file, so one would expect the same settings. With v2 the script
# sees `--outdir elsewhere`, and `outputDir` stays what the default of the configuration makes it,
# without a word. And `-profile other` together with `-c extra.config` ends the run: the profile,
# which nextflow.config has, is "unknown".
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cat >pom.xml <<'END'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>io.nextflow</groupId>
        <artifactId>nf-commons</artifactId>
        <version>25.04.4</version>
      </dependency>
      <dependency>
        <groupId>io.nextflow</groupId>
        <artifactId>nf-httpfs</artifactId>
        <version>25.04.4</version>
      </dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>io.nextflow</groupId>
      <artifactId>nextflow</artifactId>
      <version>25.04.0</version>
      <exclusions>
        <exclusion>
          <groupId>io.seqera</groupId>
          <artifactId>lib-trace</artifactId>
        </exclusion>
      </exclusions>
    </dependency>
  </dependencies>
</project>
END
# nf-commons and nf-httpfs are not on Maven Central as 25.04.0
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$scratch/jars"

cat >main.nf <<'END'
workflow {
    println "outdir ${params.outdir}, outputDir ${workflow.outputDir.name}, method ${params.method}"
}
END
cat >nextflow.config <<'END'
params {
    outdir = 'results'
    method = 'plain'
}
outputDir = "${params.outdir}"
profiles {
    other { params.method = 'other' }
}
END
echo "params.kept = 1" >extra.config
echo '{"outdir": "elsewhere"}' >params.json

nextflow() {
    NXF_HOME=$scratch/home NXF_OFFLINE=true NXF_PLUGINS_DEFAULT=false NXF_ANSI_LOG=false \
        java --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED \
        --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED \
        -cp "$scratch/jars/*" nextflow.cli.Launcher "$@" 2>&1
}

# run PARSER ARGUMENTS...: one run; what it says, and `exit N`
run() {
    local parser=$1 code=0
    shift
    said=$(NXF_SYNTAX_PARSER=$parser nextflow -q run main.nf "$@") || code=$?
    said="$said, exit $code"
    echo "$parser $*: ${said//$'\n'/ }"
}

nextflow -v
for words in '--outdir elsewhere' '-params-file params.json'; do
    # shellcheck disable=SC2086  # two words each
    run v1 $words
    [[ $said == "outdir elsewhere, outputDir elsewhere, method plain, exit 0" ]]
    # shellcheck disable=SC2086
    run v2 $words
    [[ $said == "outdir elsewhere, outputDir results, method plain, exit 0" ]]
done
for words in '-profile other' '-c extra.config -profile other'; do
    # shellcheck disable=SC2086
    run v1 $words
    [[ $said == "outdir results, outputDir results, method other, exit 0" ]]
done
run v2 -profile other
[[ $said == "outdir results, outputDir results, method other, exit 0" ]]
run v2 -c extra.config -profile other
[[ $said == *"Unknown configuration profile: 'other'"*"exit 1" ]]
