import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HL7Exception;
import ca.uhn.hl7v2.model.Composite;
import ca.uhn.hl7v2.model.GenericMessage;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.model.Primitive;
import ca.uhn.hl7v2.model.Segment;
import ca.uhn.hl7v2.model.Structure;
import ca.uhn.hl7v2.model.Type;
import ca.uhn.hl7v2.model.Varies;
import ca.uhn.hl7v2.parser.GenericModelClassFactory;
import ca.uhn.hl7v2.parser.PipeParser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads HL7 v2 messages, one a line in base64 of UTF-8, and prints for each one line: every value that is not empty as its place and its
 * base64, separated by tabs, or `refused` and why.
 */
class Read {
  public static void main(String[] arguments) throws Exception {
    DefaultHapiContext context = new DefaultHapiContext(new GenericModelClassFactory());
    context.setValidationContext(ValidationContextFactory.noValidation());
    PipeParser parser = context.getPipeParser();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      String text = new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8);
      try {
        out.println(String.join("\t", valuesOf(parser.parse(text))));
      } catch (HL7Exception | RuntimeException error) {
        out.println("refused\t" + String.valueOf(error.getMessage()).replaceAll("\\s+", " "));
      }
    }
    out.flush();
  }

  static List<String> valuesOf(Message message) throws HL7Exception {
    List<String> found = new ArrayList<>();
    Map<String, Integer> counts = new HashMap<>();
    for (String name : message.getNames()) {
      for (Structure structure : message.getAll(name)) {
        Segment segment = (Segment) structure;
        String place = segment.getName() + counts.merge(segment.getName(), 1, Integer::sum);
        for (int field = 1; field <= segment.numFields(); field++) {
          Type[] repetitions = segment.getField(field);
          for (int repetition = 0; repetition < repetitions.length; repetition++)
            walk(repetitions[repetition], place + "." + field + "." + (repetition + 1), 2, found);
        }
      }
    }
    return found;
  }

  /** Components and subcomponents; what is simple is the first of them. */
  static void walk(Type given, String place, int depth, List<String> found) throws HL7Exception {
    Type type = given instanceof Varies varies ? varies.getData() : given;
    if (type instanceof Composite composite) {
      Type[] parts = composite.getComponents();
      for (int part = 0; part < parts.length; part++) walk(parts[part], place + "." + (part + 1), depth - 1, found);
      return;
    }
    String value = ((Primitive) type).getValue();
    if (value == null || value.isEmpty()) return;
    String encoded = Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8));
    found.add(place + ".1".repeat(depth) + "=" + encoded);
  }
}
