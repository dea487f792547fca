#!/bin/bash
# Nextflow 25.04.0: an integer that is too wide for 64 bits with a sign becomes another one if a
# JSON file of parameters says it.
#
# Segment ids are unsigned, and half of what 64 bits can hold is above 9223372036854775807. One
# would expect such a number in `-params-file` to arrive as it is written, or to be refused. From
# JSON it wraps: 18446744073709551615 is -1 in `params`, 2^63 is -2^63, and -2^63 - 1 is 2^63 - 1;
# nothing is said, and the run goes on with that. The very same text in a file whose name ends in
# .yml arrives exactly, and on the command line such a number becomes a double. Put it in quotes in
# JSON, or write YAML.
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
    println "${params.largest} ${params.more} ${params.less} ${params.ids} ${params.text}"
}
END
cat >params.json <<'END'
{
    "largest": 9223372036854775807,
    "more": 9223372036854775808,
    "less": -9223372036854775809,
    "ids": [18446744073709551615, 864691135012345678],
    "text": "18446744073709551615"
}
END
cp params.json params.yml

nextflow() {
    NXF_HOME=$scratch/home NXF_OFFLINE=true NXF_PLUGINS_DEFAULT=false NXF_ANSI_LOG=false \
        java --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED \
        --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED \
        -cp "$scratch/jars/*" nextflow.cli.Launcher "$@" 2>&1
}

# run ARGUMENT...: what the workflow says of its parameters
run() {
    said=$(nextflow -q run main.nf "$@")
    echo "$*: $said"
}

nextflow -v
run -params-file params.yml
exact='9223372036854775807 9223372036854775808 -9223372036854775809'
[[ $said == "$exact [18446744073709551615, 864691135012345678] 18446744073709551615" ]]
run -params-file params.json
wrapped='9223372036854775807 -9223372036854775808 9223372036854775807'
[[ $said == "$wrapped [-1, 864691135012345678] 18446744073709551615" ]]
run -params-file params.yml --more 9223372036854775808
[[ $said == '9223372036854775807 9.223372036854776E18 '* ]]
