// Package policy decides what may pass and where it goes: expressions and event patterns over a
// verified delivery.
//
// A [Delivery] says what was verified. An [Expression] is a condition on it, written in CEL. A
// [Pattern] matches events' names. [Rules] is a set: requirements that all have to hold, then
// rules of which the first that matches is taken. Everything is compiled when the configuration
// loads, and bounded then and when it runs.
//
// # What can't be evaluated
//
// A rule that can't be evaluated does not match. A requirement that can't be evaluated denies.
// That goes for a missing key above all: asking for a member that isn't there is an error, never
// null and never false.
//
// So a condition that must keep deliveries out belongs into a requirement, not into a rule in
// front of the others: on the delivery that lacks the member, the rule would be passed over.
//
//	require !(body.account.blocked)        no such member: denied
//	when body.account.blocked { refuse }   no such member: the rules after it are tried
//
// Where a member may be absent, say so: has(body.account) && body.account.blocked. Note what CEL
// itself does with errors: "&&" and "||" ignore an error on one side if the other side decides,
// whichever side that is, and so do exists, all and the like for single elements.
//
// An error says its [Class] and its place in the expression. It holds nothing of the delivery.
//
// # What is not signed
//
// Schemes sign the body, often an id and a time, and hardly ever a header, the method, the path or
// the query. Whoever holds a genuine delivery can send it on with others of these. Among the
// headers is Content-Type, by which the body is read, here and in the app: the signature doesn't
// say that a body was meant as a form.
//
// So a condition that only says what may not be there holds for a body that was read as something
// else, too. Let it say as well what has to be there:
//
//	require body.repository.owner.login == "acme" && !has(body.blocked)
//
// # Variables
//
//	provider   string                who sent it, such as "github"
//	event      string                the event's name
//	id         string                the delivery's id
//	key        string                the label of the secret that it was verified with
//	timestamp  timestamp             the signed time; an error if the scheme signs none
//	now        timestamp             the time of the evaluation
//	method     string                the request's method
//	path       string                the request's path
//	query      map(string, string)   the query's parameters
//	header     map(string, string)   the headers, with names in lower case
//	body       dyn                   the body: JSON or a form's fields
//
// A header that stands several times is joined with ", ". A parameter or a form's field that
// stands twice is ambiguous, which is an error for who reads it: which of the two the app reads
// can't be known. An empty string stands for an event, id or key that the delivery doesn't have.
// A form or a query with more than 250,000 fields can't be read.
//
// # The body
//
// The body is read as JSON, unless its Content-Type is application/x-www-form-urlencoded, which
// makes it a map of strings. A form that begins with { or [ is JSON under a false name, which can't
// be read; and a form under another Content-Type, or under none, isn't JSON. The body is verified
// as it is on the wire and read as that: a body with a Content-Encoding can't be read, nor can one
// whose Content-Type stands twice. A body that is empty or isn't JSON concerns only the expressions
// that read it.
//
// A path such as body.repository.owner.login reads that path and nothing else: the rest is
// stepped over, which takes about a twenty-fifth of decoding it, and is not checked beyond
// brackets and strings. What an expression takes as a whole (an object or array that it compares,
// measures, goes through or hands to a function) is checked first, to its last byte; then no
// element can fail halfway through. On the way:
//
//   - Duplicate keys. A key that stands twice in an object, however its escapes are spelled, is
//     ambiguous to who reads it, and spoils an object that is taken as a whole. Other members of
//     the object can be read.
//   - Letter case. Names have to be the same to the letter: body.blocked doesn't read "Blocked".
//     Some decoders don't see the difference, such as Go's encoding/json with structs, to which
//     {"blocked": false, "Blocked": true} is blocked. If the app has such a decoder and others than
//     the sender can choose names in the body, require that a name stands there in one spelling
//     only, as the examples below show.
//   - Deep nesting. More than 1,024 brackets open at once is an error.
//   - Numbers. An integer literal is an int, above 9223372036854775807 a uint, and above
//     18446744073709551615 an error; it is never rounded. With a fraction or an exponent it is a
//     double. Comparisons go across: 1 == 1.0.
//   - Strings have to be valid: escapes, surrogates, UTF-8.
//   - null is null. has(body.x) is true for a member that is null.
//   - has(body.a.b) is an error if body.a is there and isn't an object.
//
// parse_json reads JSON inside a string by the same rules, as a whole.
//
// # Functions
//
// CEL's own operators, functions and macros, and its extensions strings, sets, lists, math,
// bindings (cel.bind) and encoders (base64). A name that is no identifier is written
// body["first-name"] or, for has, has(body.`first-name`). The functions of this package follow.
// The examples, here and below, are for the event "order.created" from the client 10.1.2.3, under
// the method POST and the query ?debug=1, with the header X-Shop-Topic: orders/create, signed
// three seconds ago, and with this body:
//
//	{"total": 42.5, "currency": "EUR", "test": false, "note": null,
//	 "customer": {"id": 7, "tags": ["new", "eu"], "e-mail": "ann@example.com"},
//	 "lines": [{"sku": "A-1", "count": 2}, {"sku": "B-2", "count": 1}],
//	 "raw": "{\"source\": \"web\"}"}
//
// # Event patterns
//
// Whether an event's name matches a pattern, as [Pattern] describes it. The pattern is a literal.
//
//	<string>.matches_event(<string>) -> <bool>
//
// Examples:
//
//	event.matches_event("order.created") // true
//	event.matches_event("order.*") // true
//	event.matches_event("order.**") // true
//	event.matches_event("order.*.*") // false
//	event.matches_event("invoice.*") || event.matches_event("*.created") // true
//
// # Client addresses
//
// Whether the client's address lies in an address range, or in one of several. The ranges are
// literals in CIDR notation; a single address is a range too, such as "10.1.2.3/32". An IPv4
// client matches IPv4 ranges however its address reached us. It is an error if the client's
// address isn't known.
//
//	cidr(<string>) -> <bool>
//	cidr(<list(string)>) -> <bool>
//
// Examples:
//
//	cidr("10.0.0.0/8") // true
//	cidr(["192.0.2.0/24", "2001:db8::/32"]) // false
//	cidr("10.1.2.3/32") && method == "POST" // true
//
// # JSON in strings
//
// The value of a JSON text: for a form with JSON in a field, as in
// parse_json(body.payload).action, or for JSON inside JSON.
//
//	parse_json(<string>) -> <dyn>
//
// Examples:
//
//	parse_json(body.raw).source == "web" // true
//	parse_json("[1, 2]") == [1, 2] // true
//	parse_json("{\"a\": 1, \"a\": 2}").a == 1 // error: ambiguous_key
//	parse_json(body.currency) == "EUR" // error: invalid_json
//
// # More examples
//
//	event == "order.created" && body.total > 40 // true
//	body.customer.id in [7, 8] // true
//	body.lines.exists(line, line.sku.startsWith("B-") && line.count == 1) // true
//	body.lines.map(line, line.count).hasAny([3, 4]) // false
//	sets.contains(body.customer.tags, ["eu"]) // true
//	body.customer["e-mail"].lowerAscii().endsWith("@example.com") // true
//	body.lines[0] == {"sku": "A-1", "count": 2} // true
//	size(body.lines) == 2 && body.note == null // true
//	body.currency.matches("^[A-Z]{3}$") // true
//	header["x-shop-topic"] == "orders/create" // true
//	query.debug == "1" && !("dry_run" in query) // true
//	now - timestamp < duration("5m") // true
//	math.greatest(body.lines.map(line, line.count)) == 2 // true
//	base64.decode("RVVS") == bytes(body.currency) // true
//	cel.bind(c, body.customer, c.id == 7 && "new" in c.tags) // true
//	has(body.discount) // false
//	has(body.note) && has(body.customer.`e-mail`) // true
//	body.exists_one(name, name.matches("(?i)^total$")) && body.total > 40 // true
//	body.discount > 10 // error: missing_key
//	!(body.discount > 10) // error: missing_key
//	body.discount > 10 || body.total > 40 // true
//	has(body.currency.code) // error: missing_key
//	body.total == "42.5" // false
//	body.total > "40" // error: wrong_type
//	body.currency // error: wrong_type
//
// # Limits
//
// An expression has at most 8,192 characters, nests 100 deep, and has at most 3 comprehensions
// inside one another; a regular expression is a literal of RE2 of at most 1,000 instructions.
// What would cost more than 100,000,000,000 (in CEL's measure) on a delivery whose lists and
// strings have 1,000 elements each is refused. When it runs, an evaluation ends with an error at a
// cost of 2,000,000, or when its work is that of stepping over 16 MiB and 32 times the body, where
// short members, escapes and what has to be decoded or compared count as more than their bytes. What
// is taken as a whole has at most 250,000 values. One evaluation so ends within some tenths of a
// second, whatever the body, or about a second on a body of 25 MiB. It also ends when its context
// does: it looks at the context after each MiB of work, and in a comprehension after each hundred
// elements.
package policy
