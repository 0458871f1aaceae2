import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.FeatureUpdate.UpgradeType;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.InvalidUpdateVersionException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** What an administrator may ask for and does not get. */
class Security extends ClientCase {
  static List<Case> cases() {
    return List.of(
        new Case("ACLs that nothing checks are refused", Security::acls),
        new Case("credentials that nothing checks are refused", Security::credentials),
        new Case("a feature stays at its level", Security::features));
  }

  static void acls() throws Exception {
    var binding = new AclBinding(
        new ResourcePattern(ResourceType.TOPIC, "t", PatternType.LITERAL),
        new AccessControlEntry("User:a", "*", AclOperation.READ, AclPermissionType.ALLOW));
    try (Admin admin = admin()) {
      refused(SecurityDisabledException.class,
          () -> done(admin.describeAcls(AclBindingFilter.ANY).values()));
      refused(SecurityDisabledException.class,
          () -> done(admin.createAcls(List.of(binding)).all()));
      refused(SecurityDisabledException.class,
          () -> done(admin.deleteAcls(List.of(AclBindingFilter.ANY)).all()));
    }
  }

  static void credentials() throws Exception {
    var upsertion = new UserScramCredentialUpsertion(
        "a", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret");
    try (Admin admin = admin()) {
      refused(SecurityDisabledException.class,
          () -> done(admin.describeUserScramCredentials().all()));
      refused(SecurityDisabledException.class,
          () -> done(admin.alterUserScramCredentials(List.of(upsertion)).all()));
    }
  }

  static void features() throws Exception {
    try (Admin admin = admin()) {
      var features = done(admin.describeFeatures().featureMetadata()).finalizedFeatures();
      check(features.containsKey("group.version"), "features: " + features);
      for (var feature : features.entrySet()) {
        short level = feature.getValue().maxVersionLevel();
        update(admin, feature.getKey(), level);
        refused(InvalidUpdateVersionException.class,
            () -> update(admin, feature.getKey(), level + 1000));
      }
      refused(InvalidUpdateVersionException.class, () -> update(admin, "no.feature", 1));
    }
  }

  private static void update(Admin admin, String feature, int level) throws Exception {
    done(admin.updateFeatures(
        Map.of(feature, new FeatureUpdate((short) level, UpgradeType.UPGRADE)),
        new UpdateFeaturesOptions()).all());
  }
}
