// In-process benchmarks: `swift run -c release sluice-benchmarks [--rounds N] [name part]`.

var arguments = Array(CommandLine.arguments.dropFirst())
var rounds = 200
if let at = arguments.firstIndex(of: "--rounds"), at + 1 < arguments.count {
  rounds = Int(arguments[at + 1]) ?? rounds
  arguments.removeSubrange(at...at + 1)
}
let harness = Harness(filter: arguments.first ?? "", rounds: max(1, rounds))

benchmarkHTTP(harness)
benchmarkJSON(harness)
try benchmarkMasking(harness)
