#!/bin/bash
# Nextflow 25.04.0: the strict parser refuses a subworkflow that two files include, if it includes
# a process itself.
#
# A subworkflow that calls processes of other modules is what pipelines share; two workflows of a
# pipeline that both include it are a diamond of includes, each of which is right by itself. One
# would expect the two parsers to agree on it, and `nextflow lint`, which uses the strict one's
# grammar, to say so if they do not. The linter finds nothing, the older parser runs both, and with
# NXF_SYNTAX_PARSER=v2 the run ends before it starts: the process is "already defined or included".
# A module that two files include must include nothing: define its processes in the same file.
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

cat >hello.nf <<'END'
process HELLO {
    output:
    stdout

    script:
    "echo hello"
}
END
cat >greet.nf <<'END'
include { HELLO } from './hello'

workflow GREET {
    main:
    HELLO()

    emit:
    HELLO.out
}
END
for name in ONE OTHER; do
    cat >$name.nf <<END
include { GREET } from './greet'

workflow $name {
    main:
    GREET().view()
}
END
done
cat >main.nf <<'END'
include { ONE } from './ONE'
include { OTHER } from './OTHER'

workflow {
    ONE()
    OTHER()
}
END

nextflow() {
    NXF_HOME=$scratch/home NXF_OFFLINE=true NXF_PLUGINS_DEFAULT=false NXF_ANSI_LOG=false \
        java --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED \
        --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED \
        -cp "$scratch/jars/*" nextflow.cli.Launcher "$@" 2>&1
}

nextflow -v
linted=$(nextflow lint -output concise .)
echo "$linted"
[[ $linted == *'5 files had no errors'* ]]
echo "NXF_SYNTAX_PARSER=v1:"
said=$(NXF_SYNTAX_PARSER=v1 nextflow -q run main.nf)
echo "$said"
[[ $(grep -c '^hello$' <<<"$said") == 2 ]]
echo "NXF_SYNTAX_PARSER=v2:"
if said=$(NXF_SYNTAX_PARSER=v2 nextflow -q run main.nf); then exit 1; fi
echo "$said"
[[ $said == *"A process named 'HELLO' is already defined or included in script"*greet.nf* ]]
