import Approvals
import Console
import ConsoleSamples
import Foundation
import Logging
import Recorder
import Status

// console-preview PORT [day|hostile|empty] [SECONDS] [RECORD]
//
// Serves the console over samples, on loopback. Sign in as admin with the password "preview", who reviews as a dba. An
// approval is added every few seconds when SECONDS is given and not 0, for watching the page follow. RECORD is the folder of a
// record whose sessions are shown.

let arguments = CommandLine.arguments
let port = arguments.count > 1 ? Int(arguments[1]) ?? 0 : 0
let kind = arguments.count > 2 ? arguments[2] : "day"
let seconds = arguments.count > 3 ? Double(arguments[3]) ?? 0 : 0

var settings = ConsoleSettings()
settings.port = port
var admin = LocalAdminSettings()
admin.passwordHash = PasswordHash(password: "preview").text
admin.groups = ["dba"]
settings.localAdmin = admin

let approvals = MemoryApprovals(
  kind == "hostile" ? SampleApprovals.hostile() : kind == "empty" ? [] : SampleApprovals.day())
var services = ConsoleServices(approvals: approvals)
if arguments.count > 4 { services.sessions = SessionCatalog(directory: arguments[4]) }
services.status = {
  kind == "hostile"
    ? SampleStatus.status(names: SampleApprovals.hostileTexts) : SampleStatus.status()
}
let console = try ConsoleServer(
  settings: settings, services: services, logger: Logger(label: "console-preview"))
let bound = try await console.start()
print("http://127.0.0.1:\(bound)")
fflush(nil)

var count = 0
while true {
  try await Task.sleep(for: .seconds(seconds > 0 ? seconds : 86_400))
  count += 1
  await approvals.add(SampleApprovals.request("added\(count)", tool: "added_\(count)"))
}
