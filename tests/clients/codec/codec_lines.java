import java.io.PrintStream;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Prints what the Java client makes of its own messages, for codec_oracle.
 *
 * usage: CodecLines SEED ROUNDS
 *
 * error CODE NAME RETRIABLE                    for each error code
 * api KEY NAME MIN MAX ADVERTISED_MIN          for each API with a stable version
 * message NAME VERSION HEX JSON                ROUNDS times for each version
 * request_header KEY VERSION HEX JSON
 * response_header KEY VERSION HEX JSON
 *
 * Round 0 of a message holds its defaults, each other one a random value other
 * than the default in every field of the version.
 */
class CodecLines {
  static final String MESSAGES = "org.apache.kafka.common.message.";
  static final String GROUP = "org.apache.kafka.coordinator.group.generated.";
  static final String TRANSACTION =
      "org.apache.kafka.coordinator.transaction.generated.";

  static final String SHARE = "org.apache.kafka.coordinator.share.generated.";

  static Random random;
  static PrintStream out;

  public static void main(String[] args) throws Exception {
    out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    random = new Random(Long.parseLong(args[0]));
    int rounds = Integer.parseInt(args[1]);
    for (Errors error : Errors.values())
      out.println(String.join(" ", "error", "" + error.code(), error.name(),
          "" + (error.exception() instanceof RetriableException)));
    for (ApiKeys api : ApiKeys.values()) {
      short last = api.latestVersion(false);
      if (last < api.oldestVersion())
        continue;
      var told =
          api.toApiVersionForApiResponse(false, ApiMessageType.ListenerType.BROKER);
      int advertised = told.isPresent() ? told.get().minVersion() : api.oldestVersion();
      out.println(String.join(" ", "api", "" + api.id, api.name,
          "" + api.oldestVersion(), "" + last, "" + advertised));
      for (String kind : List.of("Request", "Response")) {
        Class<?> type = Class.forName(MESSAGES + className(api) + kind + "Data");
        for (short v = api.oldestVersion(); v <= last; v++)
          lines(type, v, rounds);
      }
      for (short v = api.oldestVersion(); v <= last; v++)
        headers(api, v);
    }
    var names = new ArrayList<String>();
    for (String record : List.of("Metadata", "PartitionMetadata", "MemberMetadata",
        "TargetAssignmentMetadata", "TargetAssignmentMember", "CurrentMemberAssignment",
        "RegularExpression"))
      for (String part : List.of("Key", "Value"))
        names.add(GROUP + "ConsumerGroup" + record + part);
    for (String record : List.of("Metadata", "MemberMetadata",
        "TargetAssignmentMetadata", "TargetAssignmentMember", "CurrentMemberAssignment",
        "StatePartitionMetadata"))
      for (String part : List.of("Key", "Value"))
        names.add(GROUP + "ShareGroup" + record + part);
    for (String record : List.of("Snapshot", "Update"))
      for (String part : List.of("Key", "Value"))
        names.add(SHARE + "Share" + record + part);
    names.addAll(List.of(GROUP + "OffsetCommitKey", GROUP + "OffsetCommitValue",
        GROUP + "GroupMetadataKey", GROUP + "GroupMetadataValue",
        TRANSACTION + "TransactionLogKey", TRANSACTION + "TransactionLogValue",
        MESSAGES + "ControlRecordTypeSchema", MESSAGES + "EndTxnMarker",
        MESSAGES + "ConsumerProtocolSubscription",
        MESSAGES + "ConsumerProtocolAssignment"));
    for (String name : names) {
      Class<?> type = Class.forName(name);
      Message blank = create(type);
      for (short v = blank.lowestSupportedVersion(); v <= blank.highestSupportedVersion(); v++)
        lines(type, v, rounds);
    }
    out.flush();
    if (out.checkError())
      System.exit(1);
  }

  /** The classes of a message are named after ApiMessageType, not after ApiKeys. */
  static String className(ApiKeys api) {
    return api.messageType.newRequest().getClass().getSimpleName().replace("RequestData", "");
  }

  static Message create(Class<?> type) throws Exception {
    return (Message) type.getDeclaredConstructor().newInstance();
  }

  static void lines(Class<?> type, short version, int rounds) throws Exception {
    String name = snake(type.getSimpleName().replaceFirst("Data$", ""));
    for (int round = 0; round < rounds; round++) {
      Message message = create(type);
      if (round > 0)
        fill(message, version);
      print("message " + name, message, version, version);
    }
  }

  static void headers(ApiKeys api, short version) throws Exception {
    var request = new RequestHeaderData();
    short requestVersion = api.requestHeaderVersion(version);
    fill(request, requestVersion);
    request.setRequestApiKey(api.id).setRequestApiVersion(version);
    print("request_header " + api.id, request, version, requestVersion);
    var response = new ResponseHeaderData();
    short responseVersion = api.responseHeaderVersion(version);
    fill(response, responseVersion);
    print("response_header " + api.id, response, version, responseVersion);
  }

  static void print(String front, Message message, int shown, short version)
      throws Exception {
    ByteBuffer bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    Class<?> converter = Class.forName(message.getClass().getName() + "JsonConverter");
    Object json = converter
        .getMethod("write", message.getClass(), short.class, boolean.class)
        .invoke(null, message, version, false);
    String hex = copy.length == 0 ? "-" : HexFormat.of().formatHex(copy);
    out.println(front + " " + shown + " " + hex + " " + json);
  }

  /** Gives every field of this version a random value other than its default. */
  static void fill(Message message, short version) throws Exception {
    Schema schema = ((Schema[]) message.getClass().getField("SCHEMAS").get(null))[version];
    Map<String, java.lang.reflect.Field> members = new HashMap<>();
    for (var member : message.getClass().getDeclaredFields()) {
      if (Modifier.isStatic(member.getModifiers()))
        continue;
      member.setAccessible(true);
      members.put(plain(member.getName()), member);
    }
    List<Field> fields = new ArrayList<>();
    for (BoundField bound : schema.fields()) {
      if (bound.def.type instanceof TaggedFields tagged)
        fields.addAll(tagged.fields().values());
      else
        fields.add(bound.def);
    }
    for (Field field : fields) {
      var member = members.get(plain(field.name));
      Object before = member.get(message);
      boolean mayBeNull = field.type.isNullable() && before != null;
      if (mayBeNull && random.nextInt(4) == 0) {
        member.set(message, null);
        continue;
      }
      Object value;
      do {
        value = value(field.type, member.getType(), elementOf(member), version);
      } while (Objects.equals(value, before));
      member.set(message, value);
    }
  }

  static Class<?> elementOf(java.lang.reflect.Field member) {
    for (var type : List.of(member.getGenericType(), genericSuper(member.getType())))
      if (type instanceof ParameterizedType p && p.getActualTypeArguments()[0] instanceof Class<?> c)
        return c;
    return member.getType();
  }

  static java.lang.reflect.Type genericSuper(Class<?> type) {
    var above = type.getGenericSuperclass();
    return above == null ? Object.class : above;
  }

  @SuppressWarnings("unchecked")
  static Object value(Type type, Class<?> member, Class<?> element, short version)
      throws Exception {
    if (type.isArray()) {
      Collection<Object> list = member == List.class
          ? new ArrayList<>()
          : (Collection<Object>) member.getDeclaredConstructor().newInstance();
      for (int left = 1 + random.nextInt(3); left > 0; left--)
        list.add(value(type.arrayElementType().get(), element, element, version));
      return list;
    }
    if (type instanceof Schema) {
      Message inner = create(element);
      fill(inner, version);
      return inner;
    }
    switch (type.toString().replace("COMPACT_", "").replace("NULLABLE_", "")) {
      case "BOOLEAN":
        return random.nextBoolean();
      case "INT8":
        return (byte) random.nextInt();
      case "INT16":
        return (short) random.nextInt();
      case "UINT16":
        return random.nextInt(1 << 16);
      case "INT32":
        return random.nextInt();
      case "UINT32":
        return random.nextLong() & 0xffffffffL;
      case "INT64":
        return random.nextLong();
      case "FLOAT64":
        return random.nextDouble();
      case "UUID":
        return new Uuid(random.nextLong(), random.nextLong());
      case "STRING":
        return text();
      case "BYTES":
        return member == byte[].class ? (Object) bytes() : ByteBuffer.wrap(bytes());
      case "RECORDS":
        return records();
      default:
        throw new IllegalStateException("no value for " + type);
    }
  }

  /** One to twelve characters, at times 300, of one to four bytes in UTF-8. */
  static String text() {
    String letters = "abcXYZ019 -_.\"\\/\u0001\n\u00e9\u4e2d";
    int length = random.nextInt(16) == 0 ? 300 : 1 + random.nextInt(12);
    StringBuilder built = new StringBuilder();
    while (built.length() < length)
      built.append(random.nextInt(20) == 0 ? "\ud83d\ude00"
          : "" + letters.charAt(random.nextInt(letters.length())));
    return built.toString();
  }

  static byte[] bytes() {
    byte[] bytes = new byte[random.nextInt(16) == 0 ? 700 : 1 + random.nextInt(12)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Random bytes: the codecs must not look into batches. */
  static Object records() throws Exception {
    Class<?> type;
    try {
      type = Class.forName("org.apache.kafka.common.record.internal.MemoryRecords");
    } catch (ClassNotFoundException older) {
      type = Class.forName("org.apache.kafka.common.record.MemoryRecords");
    }
    return type.getMethod("readableRecords", ByteBuffer.class)
        .invoke(null, ByteBuffer.wrap(bytes()));
  }

  /** The same for a member's camelCase and a schema's snake_case. */
  static String plain(String name) {
    return name.replace("_", "").toLowerCase();
  }

  static String snake(String camel) {
    StringBuilder built = new StringBuilder();
    for (char c : camel.toCharArray()) {
      if (Character.isUpperCase(c) && built.length() > 0)
        built.append('_');
      built.append(Character.toLowerCase(c));
    }
    return built.toString();
  }
}
