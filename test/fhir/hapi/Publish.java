import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CodeableConcept;
import org.hl7.fhir.r4.model.Condition;
import org.hl7.fhir.r4.model.OperationOutcome;

/** HAPI's own FHIR client: publishes about one person, and prints a line for each interaction. Arguments: base, token, NHS number. */
class Publish {
  static String number;

  public static void main(String[] arguments) {
    number = arguments[2];
    IGenericClient client = FhirContext.forR4().newRestfulGenericClient(arguments[0]);
    client.registerInterceptor(new BearerTokenAuthInterceptor(arguments[1]));

    CapabilityStatement statement = client.capabilities().ofType(CapabilityStatement.class).execute();
    System.out.println("metadata " + statement.getFhirVersion().toCode());

    MethodOutcome created = client.create().resource(condition(null, "Asthma")).execute();
    System.out.println("create " + created.getCreated() + " " + created.getId().getIdPart().length());

    Condition changed = condition(created.getId().getIdPart(), "Gout");
    // With its version, for which HAPI sends If-Match.
    changed.setId(created.getId());
    MethodOutcome updated = client.update().resource(changed).execute();
    System.out.println("update " + created.getId().getIdPart().equals(updated.getId().getIdPart()) + " " + updated.getId().hasVersionIdPart());

    System.out.println("transaction " + statusesOf(client.transaction().withBundle(bundle(Bundle.BundleType.TRANSACTION, "t", "Asthma")).execute()));
    System.out.println("batch " + statusesOf(client.transaction().withBundle(bundle(Bundle.BundleType.BATCH, "b", null)).execute()));
    try {
      client.transaction().withBundle(bundle(Bundle.BundleType.TRANSACTION, "f", null)).execute();
    } catch (BaseServerResponseException refused) {
      OperationOutcome outcome = (OperationOutcome) refused.getOperationOutcome();
      System.out.println("refused " + refused.getStatusCode() + " " + outcome.getIssueFirstRep().getExpression().get(0));
    }
    client.delete().resourceById("Condition", "t1").execute();
    System.out.println("delete");
  }

  static Condition condition(String id, String text) {
    Condition condition = new Condition();
    if (id != null) condition.setId(id);
    condition.getSubject().setType("Patient").getIdentifier().setSystem("https://fhir.nhs.uk/Id/nhs-number").setValue(number);
    if (text != null) condition.setCode(new CodeableConcept().setText(text));
    return condition;
  }

  /** Two conditions; without a text the second names nobody. */
  static Bundle bundle(Bundle.BundleType type, String name, String text) {
    Bundle bundle = new Bundle().setType(type);
    for (int nth = 1; nth <= 2; nth++) {
      Condition condition = condition(name + nth, "Asthma");
      if (text == null && nth == 2) condition.setSubject(null);
      bundle.addEntry().setResource(condition).getRequest().setMethod(Bundle.HTTPVerb.PUT).setUrl("Condition/" + name + nth);
    }
    return bundle;
  }

  static String statusesOf(Bundle answer) {
    StringBuilder statuses = new StringBuilder(answer.getType().toCode());
    for (Bundle.BundleEntryComponent entry : answer.getEntry()) statuses.append(" ").append(entry.getResponse().getStatus(), 0, 3);
    return statuses.toString();
  }
}
