import Testing

@testable import Policy

/// URLs that servers send people to: masked by the names of their parameters.
struct MaskAddressTests {
  @Test(arguments: [
    ("https://a/?email=x", "https://a/?email=***"),
    ("https://a/?EMail=x&b=1", "https://a/?EMail=***&b=1"),
    ("https://a/?b=1;email=x;c", "https://a/?b=1;email=***;c"),
    ("https://a/?b=1#email=x", "https://a/?b=1#email=***"),
    ("https://a/?%65mail=x%40y", "https://a/?%65mail=***"),
    (
      "https://a/?user%5Bemail%5D=x&user.email=y&user[email]=z",
      "https://a/?user%5Bemail%5D=***&user.email=***&user[email]=***"
    ),
    ("https://a/?q=%7B%22email%22%3A%22x%22%7D", "https://a/?q=***"),
    ("https://a/?q=(%27email%27,+1)", "https://a/?q=***"),
    ("https://a/?q=%5Cu0022email%5Cu0022", "https://a/?q=***"),
    ("https://a/?email=a=b?c", "https://a/?email=***?c"),
    // Nothing to be masked.
    ("https://a/email=x", "https://a/email=x"), ("https://a/?email", "https://a/?email"),
    ("https://a/?email=&b=email", "https://a/?email=&b=email"),
    ("https://a/?emails=x&nemail=y", "https://a/?emails=x&nemail=y"),
    ("https://a/?q=%", "https://a/?q=%"), ("", ""),
  ])
  func parameters(address: String, masked: String) throws {
    for (before, after) in [
      (
        #"{"id":1,"jsonrpc":"2.0","method":"elicitation/create","params":{"mode":"url","url":""#,
        #""}}"#
      ),
      (
        #"{"id":1,"jsonrpc":"2.0","result":{"inputRequests":{"k":{"method":"elicitation/create","params":{"url":""#,
        #"","message":"m"}}}}}"#
      ),
    ] {
      let message = try mask(before + address + after, [field("email")])
      #expect(message.text == before + masked + after)
    }
  }
}
