import GRDB

/// The shop's made-up data: the same 40 customers and 200 orders at every start, because a fixed seed draws them.
/// Names meet at random, mail addresses are under example.com, telephone numbers are from the 555-01xx range kept
/// for fiction, and card numbers are drawn behind well-known test prefixes with a right check digit.
extension ShopDatabase {
  static let customerCount = 40
  static let orderCount = 200

  static func seed(_ database: Database) throws {
    try database.execute(
      sql: """
        CREATE TABLE customers (
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL,
          email TEXT NOT NULL,
          phone TEXT NOT NULL,
          ssn TEXT NOT NULL,
          card_number TEXT NOT NULL,
          card_expires TEXT NOT NULL,
          street TEXT NOT NULL,
          city TEXT NOT NULL,
          state TEXT NOT NULL,
          since TEXT NOT NULL
        );
        CREATE TABLE orders (
          id INTEGER PRIMARY KEY,
          customer_id INTEGER NOT NULL REFERENCES customers(id),
          placed_on TEXT NOT NULL,
          product TEXT NOT NULL,
          quantity INTEGER NOT NULL,
          total REAL NOT NULL,
          status TEXT NOT NULL
        );
        CREATE INDEX orders_by_customer ON orders(customer_id);
        """)
    var random = SeededGenerator(seed: 20_260_728)
    for id in 1...customerCount { try insertCustomer(id, &random, database) }
    for id in 1...orderCount { try insertOrder(1000 + id, &random, database) }
  }

  private static func insertCustomer(
    _ id: Int, _ random: inout SeededGenerator, _ database: Database
  ) throws {
    // Steps without a common divisor with the lists' lengths (20 and 21): no two customers share a full name.
    let given = givenNames[(id * 7) % givenNames.count]
    let family = familyNames[(id * 11) % familyNames.count]
    let place = random.pick(places)
    let mailbox = "\(given).\(family)".lowercased()
    let domain = random.pick(["example.com", "example.net", "example.org"])
    try database.execute(
      sql: "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        id, "\(given) \(family)", "\(mailbox)@\(domain)",
        "(\(place.areaCode)) 555-01\(random.digits(2))", socialSecurityNumber(&random),
        cardNumber(&random), "\(random.padded(1...12))/\(random.padded(27...31))",
        "\(random.number(12...988)) \(random.pick(streets))", place.city, place.state,
        date(&random, years: 2019...2025),
      ])
  }

  private static func insertOrder(
    _ id: Int, _ random: inout SeededGenerator, _ database: Database
  ) throws {
    let product = random.pick(products)
    let quantity = random.number(1...4)
    try database.execute(
      sql: "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        id, random.number(1...customerCount), date(&random, years: 2026...2026), product.name,
        quantity, Double(product.cents * quantity) / 100, random.pick(statuses),
      ])
  }

  /// Never an area number that the authority leaves out (000, 666, 900 to 999), so that detectors know it as one.
  private static func socialSecurityNumber(_ random: inout SeededGenerator) -> String {
    "\(random.number(100...665))-\(random.padded(1...99))-\(random.number(1000...9999))"
  }

  /// Sixteen digits in groups of four, the last a Luhn check digit.
  private static func cardNumber(_ random: inout SeededGenerator) -> String {
    var digits = random.pick(["4111", "4242", "5105", "5555"]) + random.digits(11)
    var sum = 0
    for (index, digit) in digits.reversed().enumerated() {
      let value = digit.wholeNumberValue ?? 0
      let doubled = index.isMultiple(of: 2) ? value * 2 : value
      sum += doubled > 9 ? doubled - 9 : doubled
    }
    digits += String((10 - sum % 10) % 10)
    let groups = stride(from: 0, to: 16, by: 4).map { digits.dropFirst($0).prefix(4) }
    return groups.joined(separator: " ")
  }

  private static func date(_ random: inout SeededGenerator, years: ClosedRange<Int>) -> String {
    "\(random.number(years))-\(random.padded(1...12))-\(random.padded(1...28))"
  }

  private static let givenNames = [
    "Maria", "James", "Aiko", "Samuel", "Leila", "Thomas", "Ines", "Daniel", "Nkechi", "Peter",
    "Sofia", "Arjun", "Grace", "Oscar", "Hannah", "Mateo", "Yuki", "Elena", "Victor", "Amara",
  ]
  private static let familyNames = [
    "Lindqvist", "Okafor", "Tanaka", "Rivera", "Haddad", "Novak", "Murphy", "Silva", "Bauer",
    "Chen", "Kowalski", "Mensah", "Dubois", "Patel", "Olsen", "Romero", "Fischer", "Adeyemi",
    "Walsh", "Moreau", "Sato",
  ]
  private static let places: [(city: String, state: String, areaCode: Int)] = [
    ("Portland", "OR", 503), ("Austin", "TX", 512), ("Chicago", "IL", 312), ("Denver", "CO", 303),
    ("Atlanta", "GA", 404), ("Boston", "MA", 617), ("Seattle", "WA", 206), ("Tucson", "AZ", 520),
  ]
  private static let streets = [
    "Maple Street", "Harbor Road", "Juniper Lane", "Mill Avenue", "Station Street", "Hill Road",
  ]
  private static let products: [(name: String, cents: Int)] = [
    ("Walnut desk", 42900), ("Reading lamp", 5990), ("Linen curtains", 8450), ("Oak shelf", 12900),
    ("Wool rug", 21900), ("Ceramic vase", 3475), ("Cast-iron pan", 6400), ("Garden bench", 18900),
    ("Coffee grinder", 7925), ("Feather pillow", 4250),
  ]
  private static let statuses = [
    "delivered", "delivered", "delivered", "shipped", "paid", "returned",
  ]
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[number(0...elements.count - 1)]
  }

  mutating func digits(_ count: Int) -> String {
    (0..<count).map { _ in String(number(0...9)) }.joined()
  }

  /// A number below 100 with two digits.
  mutating func padded(_ range: ClosedRange<Int>) -> String {
    let value = number(range)
    return value < 10 ? "0\(value)" : "\(value)"
  }
}
