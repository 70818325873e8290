import ExampleServer
import Foundation
import PlainJSON

/// What the demo prints when the tour is over and everything stays up.
struct DemoEnding {
  var style: TextStyle
  var port: Int
  var consoleURL: String
  var folder: DemoFolder

  func print() {
    Terminal.write(
      "\n" + style.bold("Now it is yours") + "  " + style.dim("(Ctrl-C stops the demo)"))
    Terminal.write("\n   Be the agent yourself:\n\n" + curl)
    Terminal.write(
      """

         Ask for customer_card, or send no key. An UPDATE waits until somebody decides: in the console, where the name
         and password stand above, or from another terminal:

           \(style.blue(consoleURL))
           \(program) approvals watch --config \(configuration) --token-file \(reviewerKeyFile)

         Then look at what was recorded, and why:

           \(program) audit tail --directory \(recordings)
           \(program) audit show --directory \(recordings) REF

         Change the rules and run the demo again; it keeps your file:

           \(style.blue(folder.configurationFile))

         Any MCP client works too: the address is \(style.blue(url)) with the header
         Authorization: Bearer and the key in \(folder.keyFile).

      """)
  }

  /// This program as another terminal can call it: by name where the shell found it, else by its path.
  private var program: String {
    let called = CommandLine.arguments[0]
    guard called.contains("/") else { return ShellText.quoted(called) }
    return ShellText.quoted(URL(fileURLWithPath: called).standardizedFileURL.path)
  }
  private var recordings: String { ShellText.quoted(folder.recordings) }
  private var configuration: String { ShellText.quoted(folder.configurationFile) }
  private var reviewerKeyFile: String { ShellText.quoted(folder.reviewerKeyFile) }
  private var keyFile: String { ShellText.quoted(folder.keyFile) }
  private var url: String { "http://127.0.0.1:\(port)\(DemoConfiguration.path)" }

  /// A call of `query`, ready to paste into a shell. The key is read from its file, so that it is on no screen
  /// and in no shell history.
  private var curl: String {
    var lines = ["curl -s \(url)"]
    lines.append("-H \"Authorization: Bearer $(cat \(keyFile))\"")
    lines += TourClient.headers(tool: "query").map { "-H '\($0.name): \($0.value)'" }
    let sql = "SELECT name, email, city FROM customers LIMIT 5"
    let request = TourClient.request(tool: "query", arguments: ["sql": .string(sql)])
    lines.append("-d \(ShellText.quoted(request))")
    return lines.map { "     " + style.blue($0) }.joined(separator: " \\\n")
  }
}
