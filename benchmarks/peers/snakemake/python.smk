# https://snakemake.readthedocs.io: rules with Python code
rule three:
    input: "two"
    output: touch("three")
    run: pass

rule two:
    input: "one"
    output: touch("two")
    run: pass

rule one:
    output: touch("one")
    run: pass
