import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Validates each JSON file of a directory against FHIR R4, and prints every error: file, place, message, separated by tabs. A second
 * directory holds a FHIR package, unpacked: then also against the profiles of it that the files name.
 */
class Validate {
  public static void main(String[] arguments) throws Exception {
    FhirContext context = FhirContext.forR4();
    PrePopulatedValidationSupport profiles = new PrePopulatedValidationSupport(context);
    if (arguments.length > 1) {
      try (var found = Files.list(Path.of(arguments[1]))) {
        for (Path file : found.filter(path -> path.getFileName().toString().matches("(StructureDefinition|ValueSet|CodeSystem)-.*\\.json")).sorted().toList())
          profiles.addResource(context.newJsonParser().parseResource(Files.readString(file)));
      }
    }
    FhirInstanceValidator instance = new FhirInstanceValidator(new ValidationSupportChain(
        profiles,
        new DefaultProfileValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context)));
    instance.setAnyExtensionsAllowed(true);
    // Profiles and code systems that are not in the packages, such as those of IPS, are not at hand here.
    instance.setErrorForUnknownProfiles(false);
    FhirValidator validator = context.newValidator().registerValidatorModule(instance);
    List<Path> files;
    try (var found = Files.list(Path.of(arguments[0]))) {
      files = found.filter(path -> path.toString().endsWith(".json")).sorted().toList();
    }
    for (Path file : files) {
      for (SingleValidationMessage message : validator.validateWithResult(Files.readString(file), new ValidationOptions()).getMessages()) {
        if (message.getSeverity().ordinal() < ResultSeverityEnum.ERROR.ordinal()) continue;
        System.out.println(file.getFileName() + "\t" + message.getLocationString() + "\t" + message.getMessage().replaceAll("\\s+", " "));
      }
    }
    System.out.println("validated\t" + files.size());
  }
}
