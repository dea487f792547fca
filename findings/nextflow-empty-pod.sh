#!/bin/bash
# Nextflow 25.04.0: `pod = []` for a process in a configuration file ends the run.
#
# The directive takes a map or a list of maps, and `secret = []` and `module = []` mean none, so one
# would expect the same of an empty list of pod options, such as one that is put together from what
# is set. Instead the run ends with "wrong number of arguments" at the line that calls the process,
# without a word of `pod` or of the configuration, whatever the executor. Lists of one and of two
# maps are taken, and so is an empty map: `pod = options ?: [:]`.
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
process SEGMENT {
    output:
    stdout

    script:
    'echo segmented'
}

workflow {
    SEGMENT().view()
}
END

nextflow() {
    NXF_HOME=$scratch/home NXF_OFFLINE=true NXF_PLUGINS_DEFAULT=false NXF_ANSI_LOG=false \
        java --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED \
        --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED \
        -cp "$scratch/jars/*" nextflow.cli.Launcher "$@" 2>&1
}

# run SETTING: one run with it; what it says, and `exit N`
run() {
    printf 'process.%s\n' "$1" >nextflow.config
    local code=0
    said=$(nextflow -q run main.nf) || code=$?
    said="$said, exit $code"
    echo "$1: ${said//$'\n'/ }"
}

nextflow -v
for setting in 'secret = []' 'module = []' 'pod = [:]' "pod = [[label: 'a', value: '1']]" \
    "pod = [[label: 'a', value: '1'], [label: 'b', value: '2']]"; do
    run "$setting"
    [[ $said == *segmented*"exit 0" ]]
done
run 'pod = []'
[[ $said == *"wrong number of arguments"*"main.nf"*"at line: 10"*"exit 1" ]]
[[ $said != *pod* && $said != *segmented* ]]
