package interop;

import com.google.gson.Gson;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Tries every library here on the job in the file named by the first argument.
 *
 * <p>The job is what interop_stage prints. Each token becomes one line of JSON: library, version,
 * algorithm, token; ok where it is accepted, and the reason where it is not.
 */
public final class Interop {
    private static final Gson GSON = new Gson();

    record Job(List<Setting> verification) {}

    /** One issuer and the tokens to be tried. */
    record Setting(
            String algorithm,
            String issuer,
            String jwks_uri,
            String audience,
            String secret,
            Map<String, String> tokens) {}

    /** Throws unless the token is good. */
    interface Verifier {
        void verify(String token) throws Exception;
    }

    interface Library {
        Verifier verifier(Setting setting) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        var job = GSON.fromJson(Files.readString(Path.of(args[0])), Job.class);
        for (var setting : job.verification()) {
            attempt("nimbus-jose-jwt", Nimbus::verifier, setting);
            attempt("jjwt", Jjwt::verifier, setting);
        }
    }

    private static void attempt(String name, Library library, Setting setting) {
        Verifier verifier;
        try {
            verifier = library.verifier(setting);
        } catch (Exception unusable) {
            verifier = token -> {
                throw unusable;
            };
        }
        for (var token : new TreeMap<>(setting.tokens()).entrySet()) {
            var told = new LinkedHashMap<String, Object>();
            told.put("library", name);
            told.put("version", version(name));
            told.put("algorithm", setting.algorithm());
            told.put("token", token.getKey());
            try {
                verifier.verify(token.getValue());
                told.put("ok", true);
            } catch (Exception refused) {
                told.put("ok", false);
                told.put("reason", refused.toString());
            }
            System.out.println(GSON.toJson(told));
        }
    }

    /** The version in the name of the jar. */
    private static String version(String name) {
        var jar = name.equals("jjwt") ? "jjwt-api" : name;
        for (var path : System.getProperty("java.class.path").split(":")) {
            var file = Path.of(path).getFileName().toString();
            if (file.startsWith(jar + "-") && file.endsWith(".jar")) {
                return file.substring(jar.length() + 1, file.length() - ".jar".length());
            }
        }
        return "unknown";
    }

    private Interop() {}
}
