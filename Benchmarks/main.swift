// In-process benchmarks. `Scripts/benchmarks` runs them all, with instruction counts beside the times.
//
//     sluice-benchmarks [--rounds N] [PART OF A NAME]    times
//     sluice-benchmarks --list                           names
//     sluice-benchmarks --count N NAME                   does one benchmark's work N times, for an instruction counter

var arguments = Array(CommandLine.arguments.dropFirst())

/// Takes an option with a number out of the arguments.
func number(_ option: String, in arguments: inout [String]) -> Int? {
  guard let at = arguments.firstIndex(of: option), at + 1 < arguments.count else { return nil }
  defer { arguments.removeSubrange(at...at + 1) }
  return Int(arguments[at + 1])
}

let rounds = number("--rounds", in: &arguments) ?? 200
let count = number("--count", in: &arguments)
var harness = Harness(
  filter: arguments.first { !$0.hasPrefix("--") } ?? "", rounds: max(1, rounds), count: count)
harness.listsOnly = arguments.contains("--list")

benchmarkHTTP(harness)
benchmarkJSON(harness)
try benchmarkMasking(harness)
try benchmarkPolicy(harness)
benchmarkFrameHash(harness)
try benchmarkAudit(harness)
