import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.model.Segment;
import ca.uhn.hl7v2.parser.GenericModelClassFactory;
import ca.uhn.hl7v2.parser.PipeParser;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

/**
 * HAPI's own client, over TLS with the certificate of the system properties: sends messages, one a line in base64, to a port, each
 * once the one before is answered, and prints MSA-1 and MSA-2 of each answer.
 */
class Send {
  public static void main(String[] arguments) throws Exception {
    DefaultHapiContext context = new DefaultHapiContext(new GenericModelClassFactory());
    context.setValidationContext(ValidationContextFactory.noValidation());
    PipeParser parser = context.getPipeParser();
    Connection connection = context.newClient("127.0.0.1", Integer.parseInt(arguments[0]), true);
    for (String line : Files.readAllLines(Path.of(arguments[1]))) {
      Message message = parser.parse(new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8));
      Segment msa = (Segment) connection.getInitiator().sendAndReceive(message).get("MSA");
      System.out.println(Terser.get(msa, 1, 0, 1, 1) + ":" + Terser.get(msa, 2, 0, 1, 1));
    }
    connection.close();
    context.close();
  }
}
