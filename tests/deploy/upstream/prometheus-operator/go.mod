// Pins the Prometheus operator, whose definitions lie in its module: tests/deploy checks the chart's monitors and rules
// by them. Nothing is compiled.
module imm-operator.dev/tests/deploy/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
