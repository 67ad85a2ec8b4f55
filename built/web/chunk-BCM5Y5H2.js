import { UserError } from './chunk-CQTP4RLG.js';
import { __commonJS, __require, __toESM } from './chunk-MOR2SDXV.js';

// node_modules/@protobufjs/aspromise/index.js
var require_aspromise = __commonJS({
  'node_modules/@protobufjs/aspromise/index.js'(exports, module) {
    module.exports = asPromise;
    function asPromise(fn, ctx) {
      for (
        var params = new Array(arguments.length - 1), offset = 0, index = 2, pending = !0;
        index < arguments.length;
      )
        params[offset++] = arguments[index++];
      return new Promise((resolve, reject) => {
        params[offset] = function (err) {
          if (pending)
            if (((pending = !1), err)) reject(err);
            else {
              for (var params2 = new Array(arguments.length - 1), offset2 = 0; offset2 < params2.length; )
                params2[offset2++] = arguments[offset2];
              resolve.apply(null, params2);
            }
        };
        try {
          fn.apply(ctx || null, params);
        } catch (err) {
          pending && ((pending = !1), reject(err));
        }
      });
    }
  },
});

// node_modules/@protobufjs/base64/index.js
var require_base64 = __commonJS({
  'node_modules/@protobufjs/base64/index.js'(exports) {
    var base64 = exports;
    base64.length = (string) => {
      var p = string.length;
      if (!p) return 0;
      for (var n = 0; --p % 4 > 1 && string.charAt(p) === '='; ) ++n;
      return Math.ceil(string.length * 3) / 4 - n;
    };
    var b64 = new Array(64),
      s64 = new Array(123);
    for (i = 0; i < 64; )
      s64[(b64[i] = i < 26 ? i + 65 : i < 52 ? i + 71 : i < 62 ? i - 4 : (i - 59) | 43)] = i++;
    var i;
    base64.encode = (buffer, start, end) => {
      for (var parts = null, chunk = [], i2 = 0, j = 0, t; start < end; ) {
        var b = buffer[start++];
        switch (j) {
          case 0:
            (chunk[i2++] = b64[b >> 2]), (t = (b & 3) << 4), (j = 1);
            break;
          case 1:
            (chunk[i2++] = b64[t | (b >> 4)]), (t = (b & 15) << 2), (j = 2);
            break;
          case 2:
            (chunk[i2++] = b64[t | (b >> 6)]), (chunk[i2++] = b64[b & 63]), (j = 0);
            break;
        }
        i2 > 8191 && ((parts || (parts = [])).push(String.fromCharCode.apply(String, chunk)), (i2 = 0));
      }
      return (
        j && ((chunk[i2++] = b64[t]), (chunk[i2++] = 61), j === 1 && (chunk[i2++] = 61)),
        parts
          ? (i2 && parts.push(String.fromCharCode.apply(String, chunk.slice(0, i2))), parts.join(''))
          : String.fromCharCode.apply(String, chunk.slice(0, i2))
      );
    };
    var invalidEncoding = 'invalid encoding';
    base64.decode = (string, buffer, offset) => {
      for (var start = offset, j = 0, t, i2 = 0; i2 < string.length; ) {
        var c = string.charCodeAt(i2++);
        if (c === 61 && j > 1) break;
        if ((c = s64[c]) === void 0) throw Error(invalidEncoding);
        switch (j) {
          case 0:
            (t = c), (j = 1);
            break;
          case 1:
            (buffer[offset++] = (t << 2) | ((c & 48) >> 4)), (t = c), (j = 2);
            break;
          case 2:
            (buffer[offset++] = ((t & 15) << 4) | ((c & 60) >> 2)), (t = c), (j = 3);
            break;
          case 3:
            (buffer[offset++] = ((t & 3) << 6) | c), (j = 0);
            break;
        }
      }
      if (j === 1) throw Error(invalidEncoding);
      return offset - start;
    };
    base64.test = (string) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(string);
  },
});

// node_modules/@protobufjs/eventemitter/index.js
var require_eventemitter = __commonJS({
  'node_modules/@protobufjs/eventemitter/index.js'(exports, module) {
    module.exports = EventEmitter;
    function EventEmitter() {
      this._listeners = /* @__PURE__ */ Object.create(null);
    }
    EventEmitter.prototype.on = function (evt, fn, ctx) {
      return (
        (this._listeners[evt] || (this._listeners[evt] = [])).push({
          fn,
          ctx: ctx || this,
        }),
        this
      );
    };
    EventEmitter.prototype.off = function (evt, fn) {
      if (evt === void 0) this._listeners = /* @__PURE__ */ Object.create(null);
      else if (fn === void 0) this._listeners[evt] = [];
      else {
        var listeners = this._listeners[evt];
        if (!listeners) return this;
        for (var i = 0; i < listeners.length; ) listeners[i].fn === fn ? listeners.splice(i, 1) : ++i;
      }
      return this;
    };
    EventEmitter.prototype.emit = function (evt) {
      var listeners = this._listeners[evt];
      if (listeners) {
        for (var args = [], i = 1; i < arguments.length; ) args.push(arguments[i++]);
        for (i = 0; i < listeners.length; ) listeners[i].fn.apply(listeners[i++].ctx, args);
      }
      return this;
    };
  },
});

// node_modules/@protobufjs/float/index.js
var require_float = __commonJS({
  'node_modules/@protobufjs/float/index.js'(exports, module) {
    module.exports = factory(factory);
    function factory(exports2) {
      return (
        typeof Float32Array < 'u'
          ? (() => {
              var f32 = new Float32Array([-0]),
                f8b = new Uint8Array(f32.buffer),
                le = f8b[3] === 128;
              function writeFloat_f32_cpy(val, buf, pos) {
                (f32[0] = val),
                  (buf[pos] = f8b[0]),
                  (buf[pos + 1] = f8b[1]),
                  (buf[pos + 2] = f8b[2]),
                  (buf[pos + 3] = f8b[3]);
              }
              function writeFloat_f32_rev(val, buf, pos) {
                (f32[0] = val),
                  (buf[pos] = f8b[3]),
                  (buf[pos + 1] = f8b[2]),
                  (buf[pos + 2] = f8b[1]),
                  (buf[pos + 3] = f8b[0]);
              }
              (exports2.writeFloatLE = le ? writeFloat_f32_cpy : writeFloat_f32_rev),
                (exports2.writeFloatBE = le ? writeFloat_f32_rev : writeFloat_f32_cpy);
              function readFloat_f32_cpy(buf, pos) {
                return (
                  (f8b[0] = buf[pos]),
                  (f8b[1] = buf[pos + 1]),
                  (f8b[2] = buf[pos + 2]),
                  (f8b[3] = buf[pos + 3]),
                  f32[0]
                );
              }
              function readFloat_f32_rev(buf, pos) {
                return (
                  (f8b[3] = buf[pos]),
                  (f8b[2] = buf[pos + 1]),
                  (f8b[1] = buf[pos + 2]),
                  (f8b[0] = buf[pos + 3]),
                  f32[0]
                );
              }
              (exports2.readFloatLE = le ? readFloat_f32_cpy : readFloat_f32_rev),
                (exports2.readFloatBE = le ? readFloat_f32_rev : readFloat_f32_cpy);
            })()
          : (() => {
              function writeFloat_ieee754(writeUint, val, buf, pos) {
                var sign = val < 0 ? 1 : 0;
                if ((sign && (val = -val), val === 0))
                  writeUint(
                    1 / val > 0
                      ? /* positive */
                        0
                      : /* negative 0 */
                        2147483648,
                    buf,
                    pos,
                  );
                else if (isNaN(val)) writeUint(2143289344, buf, pos);
                else if (val > 34028234663852886e22) writeUint(((sign << 31) | 2139095040) >>> 0, buf, pos);
                else if (val < 11754943508222875e-54)
                  writeUint(((sign << 31) | Math.round(val / 1401298464324817e-60)) >>> 0, buf, pos);
                else {
                  var exponent = Math.floor(Math.log(val) / Math.LN2),
                    mantissa = Math.round(val * 2 ** -exponent * 8388608) & 8388607;
                  writeUint(((sign << 31) | ((exponent + 127) << 23) | mantissa) >>> 0, buf, pos);
                }
              }
              (exports2.writeFloatLE = writeFloat_ieee754.bind(null, writeUintLE)),
                (exports2.writeFloatBE = writeFloat_ieee754.bind(null, writeUintBE));
              function readFloat_ieee754(readUint, buf, pos) {
                var uint = readUint(buf, pos),
                  sign = (uint >> 31) * 2 + 1,
                  exponent = (uint >>> 23) & 255,
                  mantissa = uint & 8388607;
                return exponent === 255
                  ? mantissa
                    ? NaN
                    : sign * (1 / 0)
                  : exponent === 0
                    ? sign * 1401298464324817e-60 * mantissa
                    : sign * 2 ** (exponent - 150) * (mantissa + 8388608);
              }
              (exports2.readFloatLE = readFloat_ieee754.bind(null, readUintLE)),
                (exports2.readFloatBE = readFloat_ieee754.bind(null, readUintBE));
            })(),
        typeof Float64Array < 'u'
          ? (() => {
              var f64 = new Float64Array([-0]),
                f8b = new Uint8Array(f64.buffer),
                le = f8b[7] === 128;
              function writeDouble_f64_cpy(val, buf, pos) {
                (f64[0] = val),
                  (buf[pos] = f8b[0]),
                  (buf[pos + 1] = f8b[1]),
                  (buf[pos + 2] = f8b[2]),
                  (buf[pos + 3] = f8b[3]),
                  (buf[pos + 4] = f8b[4]),
                  (buf[pos + 5] = f8b[5]),
                  (buf[pos + 6] = f8b[6]),
                  (buf[pos + 7] = f8b[7]);
              }
              function writeDouble_f64_rev(val, buf, pos) {
                (f64[0] = val),
                  (buf[pos] = f8b[7]),
                  (buf[pos + 1] = f8b[6]),
                  (buf[pos + 2] = f8b[5]),
                  (buf[pos + 3] = f8b[4]),
                  (buf[pos + 4] = f8b[3]),
                  (buf[pos + 5] = f8b[2]),
                  (buf[pos + 6] = f8b[1]),
                  (buf[pos + 7] = f8b[0]);
              }
              (exports2.writeDoubleLE = le ? writeDouble_f64_cpy : writeDouble_f64_rev),
                (exports2.writeDoubleBE = le ? writeDouble_f64_rev : writeDouble_f64_cpy);
              function readDouble_f64_cpy(buf, pos) {
                return (
                  (f8b[0] = buf[pos]),
                  (f8b[1] = buf[pos + 1]),
                  (f8b[2] = buf[pos + 2]),
                  (f8b[3] = buf[pos + 3]),
                  (f8b[4] = buf[pos + 4]),
                  (f8b[5] = buf[pos + 5]),
                  (f8b[6] = buf[pos + 6]),
                  (f8b[7] = buf[pos + 7]),
                  f64[0]
                );
              }
              function readDouble_f64_rev(buf, pos) {
                return (
                  (f8b[7] = buf[pos]),
                  (f8b[6] = buf[pos + 1]),
                  (f8b[5] = buf[pos + 2]),
                  (f8b[4] = buf[pos + 3]),
                  (f8b[3] = buf[pos + 4]),
                  (f8b[2] = buf[pos + 5]),
                  (f8b[1] = buf[pos + 6]),
                  (f8b[0] = buf[pos + 7]),
                  f64[0]
                );
              }
              (exports2.readDoubleLE = le ? readDouble_f64_cpy : readDouble_f64_rev),
                (exports2.readDoubleBE = le ? readDouble_f64_rev : readDouble_f64_cpy);
            })()
          : (() => {
              function writeDouble_ieee754(writeUint, off0, off1, val, buf, pos) {
                var sign = val < 0 ? 1 : 0;
                if ((sign && (val = -val), val === 0))
                  writeUint(0, buf, pos + off0),
                    writeUint(
                      1 / val > 0
                        ? /* positive */
                          0
                        : /* negative 0 */
                          2147483648,
                      buf,
                      pos + off1,
                    );
                else if (isNaN(val)) writeUint(0, buf, pos + off0), writeUint(2146959360, buf, pos + off1);
                else if (val > 17976931348623157e292)
                  writeUint(0, buf, pos + off0),
                    writeUint(((sign << 31) | 2146435072) >>> 0, buf, pos + off1);
                else {
                  var mantissa;
                  if (val < 22250738585072014e-324)
                    (mantissa = val / 5e-324),
                      writeUint(mantissa >>> 0, buf, pos + off0),
                      writeUint(((sign << 31) | (mantissa / 4294967296)) >>> 0, buf, pos + off1);
                  else {
                    var exponent = Math.floor(Math.log(val) / Math.LN2);
                    exponent === 1024 && (exponent = 1023),
                      (mantissa = val * 2 ** -exponent),
                      writeUint((mantissa * 4503599627370496) >>> 0, buf, pos + off0),
                      writeUint(
                        ((sign << 31) | ((exponent + 1023) << 20) | ((mantissa * 1048576) & 1048575)) >>> 0,
                        buf,
                        pos + off1,
                      );
                  }
                }
              }
              (exports2.writeDoubleLE = writeDouble_ieee754.bind(null, writeUintLE, 0, 4)),
                (exports2.writeDoubleBE = writeDouble_ieee754.bind(null, writeUintBE, 4, 0));
              function readDouble_ieee754(readUint, off0, off1, buf, pos) {
                var lo = readUint(buf, pos + off0),
                  hi = readUint(buf, pos + off1),
                  sign = (hi >> 31) * 2 + 1,
                  exponent = (hi >>> 20) & 2047,
                  mantissa = 4294967296 * (hi & 1048575) + lo;
                return exponent === 2047
                  ? mantissa
                    ? NaN
                    : sign * (1 / 0)
                  : exponent === 0
                    ? sign * 5e-324 * mantissa
                    : sign * 2 ** (exponent - 1075) * (mantissa + 4503599627370496);
              }
              (exports2.readDoubleLE = readDouble_ieee754.bind(null, readUintLE, 0, 4)),
                (exports2.readDoubleBE = readDouble_ieee754.bind(null, readUintBE, 4, 0));
            })(),
        exports2
      );
    }
    function writeUintLE(val, buf, pos) {
      (buf[pos] = val & 255),
        (buf[pos + 1] = (val >>> 8) & 255),
        (buf[pos + 2] = (val >>> 16) & 255),
        (buf[pos + 3] = val >>> 24);
    }
    function writeUintBE(val, buf, pos) {
      (buf[pos] = val >>> 24),
        (buf[pos + 1] = (val >>> 16) & 255),
        (buf[pos + 2] = (val >>> 8) & 255),
        (buf[pos + 3] = val & 255);
    }
    function readUintLE(buf, pos) {
      return (buf[pos] | (buf[pos + 1] << 8) | (buf[pos + 2] << 16) | (buf[pos + 3] << 24)) >>> 0;
    }
    function readUintBE(buf, pos) {
      return ((buf[pos] << 24) | (buf[pos + 1] << 16) | (buf[pos + 2] << 8) | buf[pos + 3]) >>> 0;
    }
  },
});

// node_modules/@protobufjs/inquire/index.js
var require_inquire = __commonJS({
  'node_modules/@protobufjs/inquire/index.js'(exports, module) {
    module.exports = inquire;
    function inquire(moduleName) {
      try {
        if (typeof __require != 'function') return null;
        var mod = __require(moduleName);
        return mod && (mod.length || Object.keys(mod).length) ? mod : null;
      } catch {
        return null;
      }
    }
  },
});

// node_modules/@protobufjs/utf8/index.js
var require_utf8 = __commonJS({
  'node_modules/@protobufjs/utf8/index.js'(exports) {
    var utf8 = exports,
      replacementCharCode = 65533;
    utf8.length = (string) => {
      for (var len = 0, c = 0, i = 0; i < string.length; ++i)
        (c = string.charCodeAt(i)),
          c < 128
            ? (len += 1)
            : c < 2048
              ? (len += 2)
              : (c & 64512) === 55296 && (string.charCodeAt(i + 1) & 64512) === 56320
                ? (++i, (len += 4))
                : (len += 3);
      return len;
    };
    utf8.read = (buffer, start, end) => {
      if (end - start < 1) return '';
      for (var parts = null, chunk = [], i = 0, t, t2, c2, c3; start < end; )
        (t = buffer[start++]),
          t <= 127
            ? (chunk[i++] = t)
            : t >= 192 && t < 224
              ? ((c2 = ((t & 31) << 6) | (buffer[start++] & 63)),
                (chunk[i++] = c2 >= 128 ? c2 : replacementCharCode))
              : t >= 224 && t < 240
                ? ((c3 = ((t & 15) << 12) | ((buffer[start++] & 63) << 6) | (buffer[start++] & 63)),
                  (chunk[i++] = c3 >= 2048 ? c3 : replacementCharCode))
                : t >= 240 &&
                  ((t2 =
                    ((t & 7) << 18) |
                    ((buffer[start++] & 63) << 12) |
                    ((buffer[start++] & 63) << 6) |
                    (buffer[start++] & 63)),
                  t2 < 65536 || t2 > 1114111
                    ? (chunk[i++] = replacementCharCode)
                    : ((t2 -= 65536), (chunk[i++] = 55296 + (t2 >> 10)), (chunk[i++] = 56320 + (t2 & 1023)))),
          i > 8191 &&
            ((parts || (parts = [])).push(String.fromCharCode.apply(String, chunk.slice(0, i))), (i = 0));
      return parts
        ? (i && parts.push(String.fromCharCode.apply(String, chunk.slice(0, i))), parts.join(''))
        : String.fromCharCode.apply(String, chunk.slice(0, i));
    };
    utf8.write = (string, buffer, offset) => {
      for (var start = offset, c1, c2, i = 0; i < string.length; ++i)
        (c1 = string.charCodeAt(i)),
          c1 < 128
            ? (buffer[offset++] = c1)
            : c1 < 2048
              ? ((buffer[offset++] = (c1 >> 6) | 192), (buffer[offset++] = (c1 & 63) | 128))
              : (c1 & 64512) === 55296 && ((c2 = string.charCodeAt(i + 1)) & 64512) === 56320
                ? ((c1 = 65536 + ((c1 & 1023) << 10) + (c2 & 1023)),
                  ++i,
                  (buffer[offset++] = (c1 >> 18) | 240),
                  (buffer[offset++] = ((c1 >> 12) & 63) | 128),
                  (buffer[offset++] = ((c1 >> 6) & 63) | 128),
                  (buffer[offset++] = (c1 & 63) | 128))
                : ((buffer[offset++] = (c1 >> 12) | 224),
                  (buffer[offset++] = ((c1 >> 6) & 63) | 128),
                  (buffer[offset++] = (c1 & 63) | 128));
      return offset - start;
    };
  },
});

// node_modules/@protobufjs/pool/index.js
var require_pool = __commonJS({
  'node_modules/@protobufjs/pool/index.js'(exports, module) {
    module.exports = pool;
    function pool(alloc, slice, size) {
      var SIZE = size || 8192,
        MAX = SIZE >>> 1,
        slab = null,
        offset = SIZE;
      return (size2) => {
        if (size2 < 1 || size2 > MAX) return alloc(size2);
        offset + size2 > SIZE && ((slab = alloc(SIZE)), (offset = 0));
        var buf = slice.call(slab, offset, (offset += size2));
        return (offset & 7 && (offset = (offset | 7) + 1), buf);
      };
    }
  },
});

// node_modules/protobufjs/src/util/longbits.js
var require_longbits = __commonJS({
  'node_modules/protobufjs/src/util/longbits.js'(exports, module) {
    module.exports = LongBits;
    var util = require_minimal();
    function LongBits(lo, hi) {
      (this.lo = lo >>> 0), (this.hi = hi >>> 0);
    }
    var zero = (LongBits.zero = new LongBits(0, 0));
    zero.toNumber = () => 0;
    zero.zzEncode = zero.zzDecode = function () {
      return this;
    };
    zero.length = () => 1;
    var zeroHash = (LongBits.zeroHash = '\0\0\0\0\0\0\0\0');
    LongBits.fromNumber = (value) => {
      if (value === 0) return zero;
      var sign = value < 0;
      sign && (value = -value);
      var lo = value >>> 0,
        hi = ((value - lo) / 4294967296) >>> 0;
      return (
        sign &&
          ((hi = ~hi >>> 0),
          (lo = ~lo >>> 0),
          ++lo > 4294967295 && ((lo = 0), ++hi > 4294967295 && (hi = 0))),
        new LongBits(lo, hi)
      );
    };
    LongBits.from = (value) => {
      if (typeof value == 'number') return LongBits.fromNumber(value);
      if (util.isString(value))
        if (util.Long) value = util.Long.fromString(value);
        else return LongBits.fromNumber(parseInt(value, 10));
      return value.low || value.high ? new LongBits(value.low >>> 0, value.high >>> 0) : zero;
    };
    LongBits.prototype.toNumber = function (unsigned) {
      if (!unsigned && this.hi >>> 31) {
        var lo = (~this.lo + 1) >>> 0,
          hi = ~this.hi >>> 0;
        return (lo || (hi = (hi + 1) >>> 0), -(lo + hi * 4294967296));
      }
      return this.lo + this.hi * 4294967296;
    };
    LongBits.prototype.toLong = function (unsigned) {
      return util.Long
        ? new util.Long(this.lo | 0, this.hi | 0, !!unsigned)
        : { low: this.lo | 0, high: this.hi | 0, unsigned: !!unsigned };
    };
    var charCodeAt = String.prototype.charCodeAt;
    LongBits.fromHash = (hash) =>
      hash === zeroHash
        ? zero
        : new LongBits(
            (charCodeAt.call(hash, 0) |
              (charCodeAt.call(hash, 1) << 8) |
              (charCodeAt.call(hash, 2) << 16) |
              (charCodeAt.call(hash, 3) << 24)) >>>
              0,
            (charCodeAt.call(hash, 4) |
              (charCodeAt.call(hash, 5) << 8) |
              (charCodeAt.call(hash, 6) << 16) |
              (charCodeAt.call(hash, 7) << 24)) >>>
              0,
          );
    LongBits.prototype.toHash = function () {
      return String.fromCharCode(
        this.lo & 255,
        (this.lo >>> 8) & 255,
        (this.lo >>> 16) & 255,
        this.lo >>> 24,
        this.hi & 255,
        (this.hi >>> 8) & 255,
        (this.hi >>> 16) & 255,
        this.hi >>> 24,
      );
    };
    LongBits.prototype.zzEncode = function () {
      var mask = this.hi >> 31;
      return (
        (this.hi = (((this.hi << 1) | (this.lo >>> 31)) ^ mask) >>> 0),
        (this.lo = ((this.lo << 1) ^ mask) >>> 0),
        this
      );
    };
    LongBits.prototype.zzDecode = function () {
      var mask = -(this.lo & 1);
      return (
        (this.lo = (((this.lo >>> 1) | (this.hi << 31)) ^ mask) >>> 0),
        (this.hi = ((this.hi >>> 1) ^ mask) >>> 0),
        this
      );
    };
    LongBits.prototype.length = function () {
      var part0 = this.lo,
        part1 = ((this.lo >>> 28) | (this.hi << 4)) >>> 0,
        part2 = this.hi >>> 24;
      return part2 === 0
        ? part1 === 0
          ? part0 < 16384
            ? part0 < 128
              ? 1
              : 2
            : part0 < 2097152
              ? 3
              : 4
          : part1 < 16384
            ? part1 < 128
              ? 5
              : 6
            : part1 < 2097152
              ? 7
              : 8
        : part2 < 128
          ? 9
          : 10;
    };
  },
});

// node_modules/protobufjs/src/util/minimal.js
var require_minimal = __commonJS({
  'node_modules/protobufjs/src/util/minimal.js'(exports) {
    var util = exports;
    util.asPromise = require_aspromise();
    util.base64 = require_base64();
    util.EventEmitter = require_eventemitter();
    util.float = require_float();
    util.inquire = require_inquire();
    util.utf8 = require_utf8();
    util.pool = require_pool();
    util.LongBits = require_longbits();
    util.isNode = !!(
      typeof global < 'u' &&
      global &&
      global.process &&
      global.process.versions &&
      global.process.versions.node
    );
    util.global =
      (util.isNode && global) || (typeof window < 'u' && window) || (typeof self < 'u' && self) || exports;
    util.emptyArray = Object.freeze
      ? Object.freeze([])
      : /* istanbul ignore next */
        [];
    util.emptyObject = Object.freeze
      ? Object.freeze({})
      : /* istanbul ignore next */
        {};
    util.isInteger =
      Number.isInteger /* istanbul ignore next */ ||
      ((value) => typeof value == 'number' && isFinite(value) && Math.floor(value) === value);
    util.isString = (value) => typeof value == 'string' || value instanceof String;
    util.isObject = (value) => value && typeof value == 'object';
    util.isset =
      /**
       * Checks if a property on a message is considered to be present.
       * @param {Object} obj Plain object or message instance
       * @param {string} prop Property name
       * @returns {boolean} `true` if considered to be present, otherwise `false`
       */
      util.isSet = (obj, prop) => {
        var value = obj[prop];
        return value != null && Object.hasOwn(obj, prop)
          ? typeof value != 'object' || (Array.isArray(value) ? value.length : Object.keys(value).length) > 0
          : !1;
      };
    util.Buffer = (() => {
      try {
        var Buffer = util.inquire('buffer').Buffer;
        return Buffer.prototype.utf8Write
          ? Buffer
          : /* istanbul ignore next */
            null;
      } catch {
        return null;
      }
    })();
    util._Buffer_from = null;
    util._Buffer_allocUnsafe = null;
    util.newBuffer = (sizeOrArray) =>
      typeof sizeOrArray == 'number'
        ? util.Buffer
          ? util._Buffer_allocUnsafe(sizeOrArray)
          : new util.Array(sizeOrArray)
        : util.Buffer
          ? util._Buffer_from(sizeOrArray)
          : typeof Uint8Array > 'u'
            ? sizeOrArray
            : new Uint8Array(sizeOrArray);
    util.Array = typeof Uint8Array < 'u' ? Uint8Array : Array;
    util.Long =
      /* istanbul ignore next */
      (util.global.dcodeIO /* istanbul ignore next */ &&
        util.global.dcodeIO.Long) /* istanbul ignore next */ ||
      util.global.Long ||
      util.inquire('long');
    util.key2Re = /^true|false|0|1$/;
    util.key32Re = /^-?(?:0|[1-9][0-9]*)$/;
    util.key64Re = /^(?:[\\x00-\\xff]{8}|-?(?:0|[1-9][0-9]*))$/;
    util.longToHash = (value) => (value ? util.LongBits.from(value).toHash() : util.LongBits.zeroHash);
    util.longFromHash = (hash, unsigned) => {
      var bits = util.LongBits.fromHash(hash);
      return util.Long ? util.Long.fromBits(bits.lo, bits.hi, unsigned) : bits.toNumber(!!unsigned);
    };
    function merge(dst, src, ifNotSet) {
      for (var keys = Object.keys(src), i = 0; i < keys.length; ++i)
        (dst[keys[i]] === void 0 || !ifNotSet) && (dst[keys[i]] = src[keys[i]]);
      return dst;
    }
    util.merge = merge;
    util.lcFirst = (str) => str.charAt(0).toLowerCase() + str.substring(1);
    function newError(name) {
      function CustomError(message, properties) {
        if (!(this instanceof CustomError)) return new CustomError(message, properties);
        Object.defineProperty(this, 'message', { get: () => message }),
          Error.captureStackTrace
            ? Error.captureStackTrace(this, CustomError)
            : Object.defineProperty(this, 'stack', { value: new Error().stack || '' }),
          properties && merge(this, properties);
      }
      return (
        ((CustomError.prototype = Object.create(Error.prototype)).constructor = CustomError),
        Object.defineProperty(CustomError.prototype, 'name', { get: () => name }),
        (CustomError.prototype.toString = function () {
          return this.name + ': ' + this.message;
        }),
        CustomError
      );
    }
    util.newError = newError;
    util.ProtocolError = newError('ProtocolError');
    util.oneOfGetter = (fieldNames) => {
      for (var fieldMap = {}, i = 0; i < fieldNames.length; ++i) fieldMap[fieldNames[i]] = 1;
      return function () {
        for (var keys = Object.keys(this), i2 = keys.length - 1; i2 > -1; --i2)
          if (fieldMap[keys[i2]] === 1 && this[keys[i2]] !== void 0 && this[keys[i2]] !== null)
            return keys[i2];
      };
    };
    util.oneOfSetter = (fieldNames) =>
      function (name) {
        for (var i = 0; i < fieldNames.length; ++i) fieldNames[i] !== name && delete this[fieldNames[i]];
      };
    util.toJSONOptions = {
      longs: String,
      enums: String,
      bytes: String,
      json: !0,
    };
    util._configure = () => {
      var Buffer = util.Buffer;
      if (!Buffer) {
        util._Buffer_from = util._Buffer_allocUnsafe = null;
        return;
      }
      (util._Buffer_from =
        (Buffer.from !== Uint8Array.from && Buffer.from) /* istanbul ignore next */ ||
        ((value, encoding) => new Buffer(value, encoding))),
        (util._Buffer_allocUnsafe =
          Buffer.allocUnsafe /* istanbul ignore next */ || ((size) => new Buffer(size)));
    };
  },
});

// node_modules/protobufjs/src/writer.js
var require_writer = __commonJS({
  'node_modules/protobufjs/src/writer.js'(exports, module) {
    module.exports = Writer;
    var util = require_minimal(),
      BufferWriter,
      LongBits = util.LongBits,
      base64 = util.base64,
      utf8 = util.utf8;
    function Op(fn, len, val) {
      (this.fn = fn), (this.len = len), (this.next = void 0), (this.val = val);
    }
    function noop() {}
    function State(writer) {
      (this.head = writer.head),
        (this.tail = writer.tail),
        (this.len = writer.len),
        (this.next = writer.states);
    }
    function Writer() {
      (this.len = 0), (this.head = new Op(noop, 0, 0)), (this.tail = this.head), (this.states = null);
    }
    var create = () =>
      util.Buffer ? () => (Writer.create = () => new BufferWriter())() : () => new Writer();
    Writer.create = create();
    Writer.alloc = (size) => new util.Array(size);
    util.Array !== Array && (Writer.alloc = util.pool(Writer.alloc, util.Array.prototype.subarray));
    Writer.prototype._push = function (fn, len, val) {
      return ((this.tail = this.tail.next = new Op(fn, len, val)), (this.len += len), this);
    };
    function writeByte(val, buf, pos) {
      buf[pos] = val & 255;
    }
    function writeVarint32(val, buf, pos) {
      for (; val > 127; ) (buf[pos++] = (val & 127) | 128), (val >>>= 7);
      buf[pos] = val;
    }
    function VarintOp(len, val) {
      (this.len = len), (this.next = void 0), (this.val = val);
    }
    VarintOp.prototype = Object.create(Op.prototype);
    VarintOp.prototype.fn = writeVarint32;
    Writer.prototype.uint32 = function (value) {
      return (
        (this.len += (this.tail = this.tail.next =
          new VarintOp(
            (value = value >>> 0) < 128
              ? 1
              : value < 16384
                ? 2
                : value < 2097152
                  ? 3
                  : value < 268435456
                    ? 4
                    : 5,
            value,
          )).len),
        this
      );
    };
    Writer.prototype.int32 = function (value) {
      return value < 0 ? this._push(writeVarint64, 10, LongBits.fromNumber(value)) : this.uint32(value);
    };
    Writer.prototype.sint32 = function (value) {
      return this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
    };
    function writeVarint64(val, buf, pos) {
      for (; val.hi; )
        (buf[pos++] = (val.lo & 127) | 128),
          (val.lo = ((val.lo >>> 7) | (val.hi << 25)) >>> 0),
          (val.hi >>>= 7);
      for (; val.lo > 127; ) (buf[pos++] = (val.lo & 127) | 128), (val.lo = val.lo >>> 7);
      buf[pos++] = val.lo;
    }
    Writer.prototype.uint64 = function (value) {
      var bits = LongBits.from(value);
      return this._push(writeVarint64, bits.length(), bits);
    };
    Writer.prototype.int64 = Writer.prototype.uint64;
    Writer.prototype.sint64 = function (value) {
      var bits = LongBits.from(value).zzEncode();
      return this._push(writeVarint64, bits.length(), bits);
    };
    Writer.prototype.bool = function (value) {
      return this._push(writeByte, 1, value ? 1 : 0);
    };
    function writeFixed32(val, buf, pos) {
      (buf[pos] = val & 255),
        (buf[pos + 1] = (val >>> 8) & 255),
        (buf[pos + 2] = (val >>> 16) & 255),
        (buf[pos + 3] = val >>> 24);
    }
    Writer.prototype.fixed32 = function (value) {
      return this._push(writeFixed32, 4, value >>> 0);
    };
    Writer.prototype.sfixed32 = Writer.prototype.fixed32;
    Writer.prototype.fixed64 = function (value) {
      var bits = LongBits.from(value);
      return this._push(writeFixed32, 4, bits.lo)._push(writeFixed32, 4, bits.hi);
    };
    Writer.prototype.sfixed64 = Writer.prototype.fixed64;
    Writer.prototype.float = function (value) {
      return this._push(util.float.writeFloatLE, 4, value);
    };
    Writer.prototype.double = function (value) {
      return this._push(util.float.writeDoubleLE, 8, value);
    };
    var writeBytes = util.Array.prototype.set
      ? (val, buf, pos) => {
          buf.set(val, pos);
        }
      : (val, buf, pos) => {
          for (var i = 0; i < val.length; ++i) buf[pos + i] = val[i];
        };
    Writer.prototype.bytes = function (value) {
      var len = value.length >>> 0;
      if (!len) return this._push(writeByte, 1, 0);
      if (util.isString(value)) {
        var buf = Writer.alloc((len = base64.length(value)));
        base64.decode(value, buf, 0), (value = buf);
      }
      return this.uint32(len)._push(writeBytes, len, value);
    };
    Writer.prototype.string = function (value) {
      var len = utf8.length(value);
      return len ? this.uint32(len)._push(utf8.write, len, value) : this._push(writeByte, 1, 0);
    };
    Writer.prototype.fork = function () {
      return (
        (this.states = new State(this)), (this.head = this.tail = new Op(noop, 0, 0)), (this.len = 0), this
      );
    };
    Writer.prototype.reset = function () {
      return (
        this.states
          ? ((this.head = this.states.head),
            (this.tail = this.states.tail),
            (this.len = this.states.len),
            (this.states = this.states.next))
          : ((this.head = this.tail = new Op(noop, 0, 0)), (this.len = 0)),
        this
      );
    };
    Writer.prototype.ldelim = function () {
      var head = this.head,
        tail = this.tail,
        len = this.len;
      return (
        this.reset().uint32(len),
        len && ((this.tail.next = head.next), (this.tail = tail), (this.len += len)),
        this
      );
    };
    Writer.prototype.finish = function () {
      for (var head = this.head.next, buf = this.constructor.alloc(this.len), pos = 0; head; )
        head.fn(head.val, buf, pos), (pos += head.len), (head = head.next);
      return buf;
    };
    Writer._configure = (BufferWriter_) => {
      (BufferWriter = BufferWriter_), (Writer.create = create()), BufferWriter._configure();
    };
  },
});

// node_modules/protobufjs/src/writer_buffer.js
var require_writer_buffer = __commonJS({
  'node_modules/protobufjs/src/writer_buffer.js'(exports, module) {
    module.exports = BufferWriter;
    var Writer = require_writer();
    (BufferWriter.prototype = Object.create(Writer.prototype)).constructor = BufferWriter;
    var util = require_minimal();
    function BufferWriter() {
      Writer.call(this);
    }
    BufferWriter._configure = () => {
      (BufferWriter.alloc = util._Buffer_allocUnsafe),
        (BufferWriter.writeBytesBuffer =
          util.Buffer &&
          util.Buffer.prototype instanceof Uint8Array &&
          util.Buffer.prototype.set.name === 'set'
            ? (val, buf, pos) => {
                buf.set(val, pos);
              }
            : (val, buf, pos) => {
                if (val.copy) val.copy(buf, pos, 0, val.length);
                else for (var i = 0; i < val.length; ) buf[pos++] = val[i++];
              });
    };
    BufferWriter.prototype.bytes = function (value) {
      util.isString(value) && (value = util._Buffer_from(value, 'base64'));
      var len = value.length >>> 0;
      return (this.uint32(len), len && this._push(BufferWriter.writeBytesBuffer, len, value), this);
    };
    function writeStringBuffer(val, buf, pos) {
      val.length < 40
        ? util.utf8.write(val, buf, pos)
        : buf.utf8Write
          ? buf.utf8Write(val, pos)
          : buf.write(val, pos);
    }
    BufferWriter.prototype.string = function (value) {
      var len = util.Buffer.byteLength(value);
      return (this.uint32(len), len && this._push(writeStringBuffer, len, value), this);
    };
    BufferWriter._configure();
  },
});

// node_modules/protobufjs/src/reader.js
var require_reader = __commonJS({
  'node_modules/protobufjs/src/reader.js'(exports, module) {
    module.exports = Reader;
    var util = require_minimal(),
      BufferReader,
      LongBits = util.LongBits,
      utf8 = util.utf8;
    function indexOutOfRange(reader, writeLength) {
      return RangeError(
        'index out of range: ' + reader.pos + ' + ' + (writeLength || 1) + ' > ' + reader.len,
      );
    }
    function Reader(buffer) {
      (this.buf = buffer), (this.pos = 0), (this.len = buffer.length);
    }
    var create_array =
        typeof Uint8Array < 'u'
          ? (buffer) => {
              if (buffer instanceof Uint8Array || Array.isArray(buffer)) return new Reader(buffer);
              throw Error('illegal buffer');
            }
          : (buffer) => {
              if (Array.isArray(buffer)) return new Reader(buffer);
              throw Error('illegal buffer');
            },
      create = () =>
        util.Buffer
          ? (buffer) =>
              (Reader.create = (buffer2) =>
                util.Buffer.isBuffer(buffer2) ? new BufferReader(buffer2) : create_array(buffer2))(buffer)
          : create_array;
    Reader.create = create();
    Reader.prototype._slice =
      util.Array.prototype.subarray /* istanbul ignore next */ || util.Array.prototype.slice;
    Reader.prototype.uint32 = /* @__PURE__ */ (() => {
      var value = 4294967295;
      return function () {
        if (
          ((value = (this.buf[this.pos] & 127) >>> 0),
          this.buf[this.pos++] < 128 ||
            ((value = (value | ((this.buf[this.pos] & 127) << 7)) >>> 0), this.buf[this.pos++] < 128) ||
            ((value = (value | ((this.buf[this.pos] & 127) << 14)) >>> 0), this.buf[this.pos++] < 128) ||
            ((value = (value | ((this.buf[this.pos] & 127) << 21)) >>> 0), this.buf[this.pos++] < 128) ||
            ((value = (value | ((this.buf[this.pos] & 15) << 28)) >>> 0), this.buf[this.pos++] < 128))
        )
          return value;
        if ((this.pos += 5) > this.len) throw ((this.pos = this.len), indexOutOfRange(this, 10));
        return value;
      };
    })();
    Reader.prototype.int32 = function () {
      return this.uint32() | 0;
    };
    Reader.prototype.sint32 = function () {
      var value = this.uint32();
      return ((value >>> 1) ^ -(value & 1)) | 0;
    };
    function readLongVarint() {
      var bits = new LongBits(0, 0),
        i = 0;
      if (this.len - this.pos > 4) {
        for (; i < 4; ++i)
          if (
            ((bits.lo = (bits.lo | ((this.buf[this.pos] & 127) << (i * 7))) >>> 0),
            this.buf[this.pos++] < 128)
          )
            return bits;
        if (
          ((bits.lo = (bits.lo | ((this.buf[this.pos] & 127) << 28)) >>> 0),
          (bits.hi = (bits.hi | ((this.buf[this.pos] & 127) >> 4)) >>> 0),
          this.buf[this.pos++] < 128)
        )
          return bits;
        i = 0;
      } else {
        for (; i < 3; ++i) {
          if (this.pos >= this.len) throw indexOutOfRange(this);
          if (
            ((bits.lo = (bits.lo | ((this.buf[this.pos] & 127) << (i * 7))) >>> 0),
            this.buf[this.pos++] < 128)
          )
            return bits;
        }
        return ((bits.lo = (bits.lo | ((this.buf[this.pos++] & 127) << (i * 7))) >>> 0), bits);
      }
      if (this.len - this.pos > 4) {
        for (; i < 5; ++i)
          if (
            ((bits.hi = (bits.hi | ((this.buf[this.pos] & 127) << (i * 7 + 3))) >>> 0),
            this.buf[this.pos++] < 128)
          )
            return bits;
      } else
        for (; i < 5; ++i) {
          if (this.pos >= this.len) throw indexOutOfRange(this);
          if (
            ((bits.hi = (bits.hi | ((this.buf[this.pos] & 127) << (i * 7 + 3))) >>> 0),
            this.buf[this.pos++] < 128)
          )
            return bits;
        }
      throw Error('invalid varint encoding');
    }
    Reader.prototype.bool = function () {
      return this.uint32() !== 0;
    };
    function readFixed32_end(buf, end) {
      return (buf[end - 4] | (buf[end - 3] << 8) | (buf[end - 2] << 16) | (buf[end - 1] << 24)) >>> 0;
    }
    Reader.prototype.fixed32 = function () {
      if (this.pos + 4 > this.len) throw indexOutOfRange(this, 4);
      return readFixed32_end(this.buf, (this.pos += 4));
    };
    Reader.prototype.sfixed32 = function () {
      if (this.pos + 4 > this.len) throw indexOutOfRange(this, 4);
      return readFixed32_end(this.buf, (this.pos += 4)) | 0;
    };
    function readFixed64() {
      if (this.pos + 8 > this.len) throw indexOutOfRange(this, 8);
      return new LongBits(
        readFixed32_end(this.buf, (this.pos += 4)),
        readFixed32_end(this.buf, (this.pos += 4)),
      );
    }
    Reader.prototype.float = function () {
      if (this.pos + 4 > this.len) throw indexOutOfRange(this, 4);
      var value = util.float.readFloatLE(this.buf, this.pos);
      return ((this.pos += 4), value);
    };
    Reader.prototype.double = function () {
      if (this.pos + 8 > this.len) throw indexOutOfRange(this, 4);
      var value = util.float.readDoubleLE(this.buf, this.pos);
      return ((this.pos += 8), value);
    };
    Reader.prototype.bytes = function () {
      var length = this.uint32(),
        start = this.pos,
        end = this.pos + length;
      if (end > this.len) throw indexOutOfRange(this, length);
      return (
        (this.pos += length),
        Array.isArray(this.buf)
          ? this.buf.slice(start, end)
          : start === end
            ? new this.buf.constructor(0)
            : this._slice.call(this.buf, start, end)
      );
    };
    Reader.prototype.string = function () {
      var bytes = this.bytes();
      return utf8.read(bytes, 0, bytes.length);
    };
    Reader.prototype.skip = function (length) {
      if (typeof length == 'number') {
        if (this.pos + length > this.len) throw indexOutOfRange(this, length);
        this.pos += length;
      } else
        do if (this.pos >= this.len) throw indexOutOfRange(this);
        while (this.buf[this.pos++] & 128);
      return this;
    };
    Reader.prototype.skipType = function (wireType) {
      switch (wireType) {
        case 0:
          this.skip();
          break;
        case 1:
          this.skip(8);
          break;
        case 2:
          this.skip(this.uint32());
          break;
        case 3:
          for (; (wireType = this.uint32() & 7) !== 4; ) this.skipType(wireType);
          break;
        case 5:
          this.skip(4);
          break;
        /* istanbul ignore next */
        default:
          throw Error('invalid wire type ' + wireType + ' at offset ' + this.pos);
      }
      return this;
    };
    Reader._configure = (BufferReader_) => {
      (BufferReader = BufferReader_), (Reader.create = create()), BufferReader._configure();
      var fn = util.Long
        ? 'toLong'
        : /* istanbul ignore next */
          'toNumber';
      util.merge(Reader.prototype, {
        int64: function () {
          return readLongVarint.call(this)[fn](!1);
        },
        uint64: function () {
          return readLongVarint.call(this)[fn](!0);
        },
        sint64: function () {
          return readLongVarint.call(this).zzDecode()[fn](!1);
        },
        fixed64: function () {
          return readFixed64.call(this)[fn](!0);
        },
        sfixed64: function () {
          return readFixed64.call(this)[fn](!1);
        },
      });
    };
  },
});

// node_modules/protobufjs/src/reader_buffer.js
var require_reader_buffer = __commonJS({
  'node_modules/protobufjs/src/reader_buffer.js'(exports, module) {
    module.exports = BufferReader;
    var Reader = require_reader();
    (BufferReader.prototype = Object.create(Reader.prototype)).constructor = BufferReader;
    var util = require_minimal();
    function BufferReader(buffer) {
      Reader.call(this, buffer);
    }
    BufferReader._configure = () => {
      util.Buffer && (BufferReader.prototype._slice = util.Buffer.prototype.slice);
    };
    BufferReader.prototype.string = function () {
      var len = this.uint32();
      return this.buf.utf8Slice
        ? this.buf.utf8Slice(this.pos, (this.pos = Math.min(this.pos + len, this.len)))
        : this.buf.toString('utf-8', this.pos, (this.pos = Math.min(this.pos + len, this.len)));
    };
    BufferReader._configure();
  },
});

// node_modules/protobufjs/src/rpc/service.js
var require_service = __commonJS({
  'node_modules/protobufjs/src/rpc/service.js'(exports, module) {
    module.exports = Service;
    var util = require_minimal();
    (Service.prototype = Object.create(util.EventEmitter.prototype)).constructor = Service;
    function Service(rpcImpl, requestDelimited, responseDelimited) {
      if (typeof rpcImpl != 'function') throw TypeError('rpcImpl must be a function');
      util.EventEmitter.call(this),
        (this.rpcImpl = rpcImpl),
        (this.requestDelimited = !!requestDelimited),
        (this.responseDelimited = !!responseDelimited);
    }
    Service.prototype.rpcCall = function rpcCall(method, requestCtor, responseCtor, request, callback) {
      if (!request) throw TypeError('request must be specified');
      if (!callback) return util.asPromise(rpcCall, this, method, requestCtor, responseCtor, request);
      if (!this.rpcImpl) {
        setTimeout(() => {
          callback(Error('already ended'));
        }, 0);
        return;
      }
      try {
        return this.rpcImpl(
          method,
          requestCtor[this.requestDelimited ? 'encodeDelimited' : 'encode'](request).finish(),
          (err, response) => {
            if (err) return (this.emit('error', err, method), callback(err));
            if (response === null) {
              this.end(
                /* endedByRPC */
                !0,
              );
              return;
            }
            if (!(response instanceof responseCtor))
              try {
                response = responseCtor[this.responseDelimited ? 'decodeDelimited' : 'decode'](response);
              } catch (err2) {
                return (this.emit('error', err2, method), callback(err2));
              }
            return (this.emit('data', response, method), callback(null, response));
          },
        );
      } catch (err) {
        this.emit('error', err, method),
          setTimeout(() => {
            callback(err);
          }, 0);
        return;
      }
    };
    Service.prototype.end = function (endedByRPC) {
      return (
        this.rpcImpl &&
          (endedByRPC || this.rpcImpl(null, null, null), (this.rpcImpl = null), this.emit('end').off()),
        this
      );
    };
  },
});

// node_modules/protobufjs/src/rpc.js
var require_rpc = __commonJS({
  'node_modules/protobufjs/src/rpc.js'(exports) {
    var rpc = exports;
    rpc.Service = require_service();
  },
});

// node_modules/protobufjs/src/roots.js
var require_roots = __commonJS({
  'node_modules/protobufjs/src/roots.js'(exports, module) {
    module.exports = {};
  },
});

// node_modules/protobufjs/src/index-minimal.js
var require_index_minimal = __commonJS({
  'node_modules/protobufjs/src/index-minimal.js'(exports) {
    var protobuf = exports;
    protobuf.build = 'minimal';
    protobuf.Writer = require_writer();
    protobuf.BufferWriter = require_writer_buffer();
    protobuf.Reader = require_reader();
    protobuf.BufferReader = require_reader_buffer();
    protobuf.util = require_minimal();
    protobuf.rpc = require_rpc();
    protobuf.roots = require_roots();
    protobuf.configure = configure;
    function configure() {
      protobuf.util._configure(),
        protobuf.Writer._configure(protobuf.BufferWriter),
        protobuf.Reader._configure(protobuf.BufferReader);
    }
    configure();
  },
});

// node_modules/protobufjs/minimal.js
var require_minimal2 = __commonJS({
  'node_modules/protobufjs/minimal.js'(exports, module) {
    module.exports = require_index_minimal();
  },
});

// node_modules/onnx-proto/dist/onnx.js
var require_onnx = __commonJS({
  'node_modules/onnx-proto/dist/onnx.js'(exports, module) {
    var $protobuf = require_minimal2(),
      $Reader = $protobuf.Reader,
      $Writer = $protobuf.Writer,
      $util = $protobuf.util,
      $root = $protobuf.roots.default || ($protobuf.roots.default = {});
    $root.onnx = (() => {
      var onnx2 = {};
      return (
        (onnx2.Version = (() => {
          var valuesById = {},
            values = Object.create(valuesById);
          return (
            (values[(valuesById[0] = '_START_VERSION')] = 0),
            (values[(valuesById[1] = 'IR_VERSION_2017_10_10')] = 1),
            (values[(valuesById[2] = 'IR_VERSION_2017_10_30')] = 2),
            (values[(valuesById[3] = 'IR_VERSION_2017_11_3')] = 3),
            (values[(valuesById[4] = 'IR_VERSION_2019_1_22')] = 4),
            (values[(valuesById[5] = 'IR_VERSION_2019_3_18')] = 5),
            (values[(valuesById[6] = 'IR_VERSION_2019_9_19')] = 6),
            (values[(valuesById[7] = 'IR_VERSION_2020_5_8')] = 7),
            (values[(valuesById[8] = 'IR_VERSION')] = 8),
            values
          );
        })()),
        (onnx2.AttributeProto = (() => {
          function AttributeProto(properties) {
            if (
              ((this.floats = []),
              (this.ints = []),
              (this.strings = []),
              (this.tensors = []),
              (this.graphs = []),
              (this.sparseTensors = []),
              (this.typeProtos = []),
              properties)
            )
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (AttributeProto.prototype.name = ''),
            (AttributeProto.prototype.refAttrName = ''),
            (AttributeProto.prototype.docString = ''),
            (AttributeProto.prototype.type = 0),
            (AttributeProto.prototype.f = 0),
            (AttributeProto.prototype.i = $util.Long ? $util.Long.fromBits(0, 0, !1) : 0),
            (AttributeProto.prototype.s = $util.newBuffer([])),
            (AttributeProto.prototype.t = null),
            (AttributeProto.prototype.g = null),
            (AttributeProto.prototype.sparseTensor = null),
            (AttributeProto.prototype.tp = null),
            (AttributeProto.prototype.floats = $util.emptyArray),
            (AttributeProto.prototype.ints = $util.emptyArray),
            (AttributeProto.prototype.strings = $util.emptyArray),
            (AttributeProto.prototype.tensors = $util.emptyArray),
            (AttributeProto.prototype.graphs = $util.emptyArray),
            (AttributeProto.prototype.sparseTensors = $util.emptyArray),
            (AttributeProto.prototype.typeProtos = $util.emptyArray),
            (AttributeProto.create = (properties) => new AttributeProto(properties)),
            (AttributeProto.encode = (message, writer) => {
              if (
                (writer || (writer = $Writer.create()),
                message.name != null &&
                  Object.hasOwn(message, 'name') &&
                  writer
                    .uint32(
                      /* id 1, wireType 2 =*/
                      10,
                    )
                    .string(message.name),
                message.f != null &&
                  Object.hasOwn(message, 'f') &&
                  writer
                    .uint32(
                      /* id 2, wireType 5 =*/
                      21,
                    )
                    .float(message.f),
                message.i != null &&
                  Object.hasOwn(message, 'i') &&
                  writer
                    .uint32(
                      /* id 3, wireType 0 =*/
                      24,
                    )
                    .int64(message.i),
                message.s != null &&
                  Object.hasOwn(message, 's') &&
                  writer
                    .uint32(
                      /* id 4, wireType 2 =*/
                      34,
                    )
                    .bytes(message.s),
                message.t != null &&
                  Object.hasOwn(message, 't') &&
                  $root.onnx.TensorProto.encode(
                    message.t,
                    writer
                      .uint32(
                        /* id 5, wireType 2 =*/
                        42,
                      )
                      .fork(),
                  ).ldelim(),
                message.g != null &&
                  Object.hasOwn(message, 'g') &&
                  $root.onnx.GraphProto.encode(
                    message.g,
                    writer
                      .uint32(
                        /* id 6, wireType 2 =*/
                        50,
                      )
                      .fork(),
                  ).ldelim(),
                message.floats != null && message.floats.length)
              ) {
                writer
                  .uint32(
                    /* id 7, wireType 2 =*/
                    58,
                  )
                  .fork();
                for (var i = 0; i < message.floats.length; ++i) writer.float(message.floats[i]);
                writer.ldelim();
              }
              if (message.ints != null && message.ints.length) {
                writer
                  .uint32(
                    /* id 8, wireType 2 =*/
                    66,
                  )
                  .fork();
                for (var i = 0; i < message.ints.length; ++i) writer.int64(message.ints[i]);
                writer.ldelim();
              }
              if (message.strings != null && message.strings.length)
                for (var i = 0; i < message.strings.length; ++i)
                  writer
                    .uint32(
                      /* id 9, wireType 2 =*/
                      74,
                    )
                    .bytes(message.strings[i]);
              if (message.tensors != null && message.tensors.length)
                for (var i = 0; i < message.tensors.length; ++i)
                  $root.onnx.TensorProto.encode(
                    message.tensors[i],
                    writer
                      .uint32(
                        /* id 10, wireType 2 =*/
                        82,
                      )
                      .fork(),
                  ).ldelim();
              if (message.graphs != null && message.graphs.length)
                for (var i = 0; i < message.graphs.length; ++i)
                  $root.onnx.GraphProto.encode(
                    message.graphs[i],
                    writer
                      .uint32(
                        /* id 11, wireType 2 =*/
                        90,
                      )
                      .fork(),
                  ).ldelim();
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  writer
                    .uint32(
                      /* id 13, wireType 2 =*/
                      106,
                    )
                    .string(message.docString),
                message.tp != null &&
                  Object.hasOwn(message, 'tp') &&
                  $root.onnx.TypeProto.encode(
                    message.tp,
                    writer
                      .uint32(
                        /* id 14, wireType 2 =*/
                        114,
                      )
                      .fork(),
                  ).ldelim(),
                message.typeProtos != null && message.typeProtos.length)
              )
                for (var i = 0; i < message.typeProtos.length; ++i)
                  $root.onnx.TypeProto.encode(
                    message.typeProtos[i],
                    writer
                      .uint32(
                        /* id 15, wireType 2 =*/
                        122,
                      )
                      .fork(),
                  ).ldelim();
              if (
                (message.type != null &&
                  Object.hasOwn(message, 'type') &&
                  writer
                    .uint32(
                      /* id 20, wireType 0 =*/
                      160,
                    )
                    .int32(message.type),
                message.refAttrName != null &&
                  Object.hasOwn(message, 'refAttrName') &&
                  writer
                    .uint32(
                      /* id 21, wireType 2 =*/
                      170,
                    )
                    .string(message.refAttrName),
                message.sparseTensor != null &&
                  Object.hasOwn(message, 'sparseTensor') &&
                  $root.onnx.SparseTensorProto.encode(
                    message.sparseTensor,
                    writer
                      .uint32(
                        /* id 22, wireType 2 =*/
                        178,
                      )
                      .fork(),
                  ).ldelim(),
                message.sparseTensors != null && message.sparseTensors.length)
              )
                for (var i = 0; i < message.sparseTensors.length; ++i)
                  $root.onnx.SparseTensorProto.encode(
                    message.sparseTensors[i],
                    writer
                      .uint32(
                        /* id 23, wireType 2 =*/
                        186,
                      )
                      .fork(),
                  ).ldelim();
              return writer;
            }),
            (AttributeProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (AttributeProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.AttributeProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.name = reader.string();
                    break;
                  case 21:
                    message.refAttrName = reader.string();
                    break;
                  case 13:
                    message.docString = reader.string();
                    break;
                  case 20:
                    message.type = reader.int32();
                    break;
                  case 2:
                    message.f = reader.float();
                    break;
                  case 3:
                    message.i = reader.int64();
                    break;
                  case 4:
                    message.s = reader.bytes();
                    break;
                  case 5:
                    message.t = $root.onnx.TensorProto.decode(reader, reader.uint32());
                    break;
                  case 6:
                    message.g = $root.onnx.GraphProto.decode(reader, reader.uint32());
                    break;
                  case 22:
                    message.sparseTensor = $root.onnx.SparseTensorProto.decode(reader, reader.uint32());
                    break;
                  case 14:
                    message.tp = $root.onnx.TypeProto.decode(reader, reader.uint32());
                    break;
                  case 7:
                    if (((message.floats && message.floats.length) || (message.floats = []), (tag & 7) === 2))
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.floats.push(reader.float());
                    else message.floats.push(reader.float());
                    break;
                  case 8:
                    if (((message.ints && message.ints.length) || (message.ints = []), (tag & 7) === 2))
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.ints.push(reader.int64());
                    else message.ints.push(reader.int64());
                    break;
                  case 9:
                    (message.strings && message.strings.length) || (message.strings = []),
                      message.strings.push(reader.bytes());
                    break;
                  case 10:
                    (message.tensors && message.tensors.length) || (message.tensors = []),
                      message.tensors.push($root.onnx.TensorProto.decode(reader, reader.uint32()));
                    break;
                  case 11:
                    (message.graphs && message.graphs.length) || (message.graphs = []),
                      message.graphs.push($root.onnx.GraphProto.decode(reader, reader.uint32()));
                    break;
                  case 23:
                    (message.sparseTensors && message.sparseTensors.length) || (message.sparseTensors = []),
                      message.sparseTensors.push(
                        $root.onnx.SparseTensorProto.decode(reader, reader.uint32()),
                      );
                    break;
                  case 15:
                    (message.typeProtos && message.typeProtos.length) || (message.typeProtos = []),
                      message.typeProtos.push($root.onnx.TypeProto.decode(reader, reader.uint32()));
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (AttributeProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (AttributeProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.name != null && Object.hasOwn(message, 'name') && !$util.isString(message.name))
                return 'name: string expected';
              if (
                message.refAttrName != null &&
                Object.hasOwn(message, 'refAttrName') &&
                !$util.isString(message.refAttrName)
              )
                return 'refAttrName: string expected';
              if (
                message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
              )
                return 'docString: string expected';
              if (message.type != null && Object.hasOwn(message, 'type'))
                switch (message.type) {
                  default:
                    return 'type: enum value expected';
                  case 0:
                  case 1:
                  case 2:
                  case 3:
                  case 4:
                  case 5:
                  case 11:
                  case 13:
                  case 6:
                  case 7:
                  case 8:
                  case 9:
                  case 10:
                  case 12:
                  case 14:
                    break;
                }
              if (message.f != null && Object.hasOwn(message, 'f') && typeof message.f != 'number')
                return 'f: number expected';
              if (
                message.i != null &&
                Object.hasOwn(message, 'i') &&
                !$util.isInteger(message.i) &&
                !(message.i && $util.isInteger(message.i.low) && $util.isInteger(message.i.high))
              )
                return 'i: integer|Long expected';
              if (
                message.s != null &&
                Object.hasOwn(message, 's') &&
                !((message.s && typeof message.s.length == 'number') || $util.isString(message.s))
              )
                return 's: buffer expected';
              if (message.t != null && Object.hasOwn(message, 't')) {
                var error = $root.onnx.TensorProto.verify(message.t);
                if (error) return 't.' + error;
              }
              if (message.g != null && Object.hasOwn(message, 'g')) {
                var error = $root.onnx.GraphProto.verify(message.g);
                if (error) return 'g.' + error;
              }
              if (message.sparseTensor != null && Object.hasOwn(message, 'sparseTensor')) {
                var error = $root.onnx.SparseTensorProto.verify(message.sparseTensor);
                if (error) return 'sparseTensor.' + error;
              }
              if (message.tp != null && Object.hasOwn(message, 'tp')) {
                var error = $root.onnx.TypeProto.verify(message.tp);
                if (error) return 'tp.' + error;
              }
              if (message.floats != null && Object.hasOwn(message, 'floats')) {
                if (!Array.isArray(message.floats)) return 'floats: array expected';
                for (var i = 0; i < message.floats.length; ++i)
                  if (typeof message.floats[i] != 'number') return 'floats: number[] expected';
              }
              if (message.ints != null && Object.hasOwn(message, 'ints')) {
                if (!Array.isArray(message.ints)) return 'ints: array expected';
                for (var i = 0; i < message.ints.length; ++i)
                  if (
                    !$util.isInteger(message.ints[i]) &&
                    !(
                      message.ints[i] &&
                      $util.isInteger(message.ints[i].low) &&
                      $util.isInteger(message.ints[i].high)
                    )
                  )
                    return 'ints: integer|Long[] expected';
              }
              if (message.strings != null && Object.hasOwn(message, 'strings')) {
                if (!Array.isArray(message.strings)) return 'strings: array expected';
                for (var i = 0; i < message.strings.length; ++i)
                  if (
                    !(
                      (message.strings[i] && typeof message.strings[i].length == 'number') ||
                      $util.isString(message.strings[i])
                    )
                  )
                    return 'strings: buffer[] expected';
              }
              if (message.tensors != null && Object.hasOwn(message, 'tensors')) {
                if (!Array.isArray(message.tensors)) return 'tensors: array expected';
                for (var i = 0; i < message.tensors.length; ++i) {
                  var error = $root.onnx.TensorProto.verify(message.tensors[i]);
                  if (error) return 'tensors.' + error;
                }
              }
              if (message.graphs != null && Object.hasOwn(message, 'graphs')) {
                if (!Array.isArray(message.graphs)) return 'graphs: array expected';
                for (var i = 0; i < message.graphs.length; ++i) {
                  var error = $root.onnx.GraphProto.verify(message.graphs[i]);
                  if (error) return 'graphs.' + error;
                }
              }
              if (message.sparseTensors != null && Object.hasOwn(message, 'sparseTensors')) {
                if (!Array.isArray(message.sparseTensors)) return 'sparseTensors: array expected';
                for (var i = 0; i < message.sparseTensors.length; ++i) {
                  var error = $root.onnx.SparseTensorProto.verify(message.sparseTensors[i]);
                  if (error) return 'sparseTensors.' + error;
                }
              }
              if (message.typeProtos != null && Object.hasOwn(message, 'typeProtos')) {
                if (!Array.isArray(message.typeProtos)) return 'typeProtos: array expected';
                for (var i = 0; i < message.typeProtos.length; ++i) {
                  var error = $root.onnx.TypeProto.verify(message.typeProtos[i]);
                  if (error) return 'typeProtos.' + error;
                }
              }
              return null;
            }),
            (AttributeProto.fromObject = (object) => {
              if (object instanceof $root.onnx.AttributeProto) return object;
              var message = new $root.onnx.AttributeProto();
              switch (
                (object.name != null && (message.name = String(object.name)),
                object.refAttrName != null && (message.refAttrName = String(object.refAttrName)),
                object.docString != null && (message.docString = String(object.docString)),
                object.type)
              ) {
                case 'UNDEFINED':
                case 0:
                  message.type = 0;
                  break;
                case 'FLOAT':
                case 1:
                  message.type = 1;
                  break;
                case 'INT':
                case 2:
                  message.type = 2;
                  break;
                case 'STRING':
                case 3:
                  message.type = 3;
                  break;
                case 'TENSOR':
                case 4:
                  message.type = 4;
                  break;
                case 'GRAPH':
                case 5:
                  message.type = 5;
                  break;
                case 'SPARSE_TENSOR':
                case 11:
                  message.type = 11;
                  break;
                case 'TYPE_PROTO':
                case 13:
                  message.type = 13;
                  break;
                case 'FLOATS':
                case 6:
                  message.type = 6;
                  break;
                case 'INTS':
                case 7:
                  message.type = 7;
                  break;
                case 'STRINGS':
                case 8:
                  message.type = 8;
                  break;
                case 'TENSORS':
                case 9:
                  message.type = 9;
                  break;
                case 'GRAPHS':
                case 10:
                  message.type = 10;
                  break;
                case 'SPARSE_TENSORS':
                case 12:
                  message.type = 12;
                  break;
                case 'TYPE_PROTOS':
                case 14:
                  message.type = 14;
                  break;
              }
              if (
                (object.f != null && (message.f = Number(object.f)),
                object.i != null &&
                  ($util.Long
                    ? ((message.i = $util.Long.fromValue(object.i)).unsigned = !1)
                    : typeof object.i == 'string'
                      ? (message.i = parseInt(object.i, 10))
                      : typeof object.i == 'number'
                        ? (message.i = object.i)
                        : typeof object.i == 'object' &&
                          (message.i = new $util.LongBits(
                            object.i.low >>> 0,
                            object.i.high >>> 0,
                          ).toNumber())),
                object.s != null &&
                  (typeof object.s == 'string'
                    ? $util.base64.decode(
                        object.s,
                        (message.s = $util.newBuffer($util.base64.length(object.s))),
                        0,
                      )
                    : object.s.length && (message.s = object.s)),
                object.t != null)
              ) {
                if (typeof object.t != 'object') throw TypeError('.onnx.AttributeProto.t: object expected');
                message.t = $root.onnx.TensorProto.fromObject(object.t);
              }
              if (object.g != null) {
                if (typeof object.g != 'object') throw TypeError('.onnx.AttributeProto.g: object expected');
                message.g = $root.onnx.GraphProto.fromObject(object.g);
              }
              if (object.sparseTensor != null) {
                if (typeof object.sparseTensor != 'object')
                  throw TypeError('.onnx.AttributeProto.sparseTensor: object expected');
                message.sparseTensor = $root.onnx.SparseTensorProto.fromObject(object.sparseTensor);
              }
              if (object.tp != null) {
                if (typeof object.tp != 'object') throw TypeError('.onnx.AttributeProto.tp: object expected');
                message.tp = $root.onnx.TypeProto.fromObject(object.tp);
              }
              if (object.floats) {
                if (!Array.isArray(object.floats))
                  throw TypeError('.onnx.AttributeProto.floats: array expected');
                message.floats = [];
                for (var i = 0; i < object.floats.length; ++i) message.floats[i] = Number(object.floats[i]);
              }
              if (object.ints) {
                if (!Array.isArray(object.ints)) throw TypeError('.onnx.AttributeProto.ints: array expected');
                message.ints = [];
                for (var i = 0; i < object.ints.length; ++i)
                  $util.Long
                    ? ((message.ints[i] = $util.Long.fromValue(object.ints[i])).unsigned = !1)
                    : typeof object.ints[i] == 'string'
                      ? (message.ints[i] = parseInt(object.ints[i], 10))
                      : typeof object.ints[i] == 'number'
                        ? (message.ints[i] = object.ints[i])
                        : typeof object.ints[i] == 'object' &&
                          (message.ints[i] = new $util.LongBits(
                            object.ints[i].low >>> 0,
                            object.ints[i].high >>> 0,
                          ).toNumber());
              }
              if (object.strings) {
                if (!Array.isArray(object.strings))
                  throw TypeError('.onnx.AttributeProto.strings: array expected');
                message.strings = [];
                for (var i = 0; i < object.strings.length; ++i)
                  typeof object.strings[i] == 'string'
                    ? $util.base64.decode(
                        object.strings[i],
                        (message.strings[i] = $util.newBuffer($util.base64.length(object.strings[i]))),
                        0,
                      )
                    : object.strings[i].length && (message.strings[i] = object.strings[i]);
              }
              if (object.tensors) {
                if (!Array.isArray(object.tensors))
                  throw TypeError('.onnx.AttributeProto.tensors: array expected');
                message.tensors = [];
                for (var i = 0; i < object.tensors.length; ++i) {
                  if (typeof object.tensors[i] != 'object')
                    throw TypeError('.onnx.AttributeProto.tensors: object expected');
                  message.tensors[i] = $root.onnx.TensorProto.fromObject(object.tensors[i]);
                }
              }
              if (object.graphs) {
                if (!Array.isArray(object.graphs))
                  throw TypeError('.onnx.AttributeProto.graphs: array expected');
                message.graphs = [];
                for (var i = 0; i < object.graphs.length; ++i) {
                  if (typeof object.graphs[i] != 'object')
                    throw TypeError('.onnx.AttributeProto.graphs: object expected');
                  message.graphs[i] = $root.onnx.GraphProto.fromObject(object.graphs[i]);
                }
              }
              if (object.sparseTensors) {
                if (!Array.isArray(object.sparseTensors))
                  throw TypeError('.onnx.AttributeProto.sparseTensors: array expected');
                message.sparseTensors = [];
                for (var i = 0; i < object.sparseTensors.length; ++i) {
                  if (typeof object.sparseTensors[i] != 'object')
                    throw TypeError('.onnx.AttributeProto.sparseTensors: object expected');
                  message.sparseTensors[i] = $root.onnx.SparseTensorProto.fromObject(object.sparseTensors[i]);
                }
              }
              if (object.typeProtos) {
                if (!Array.isArray(object.typeProtos))
                  throw TypeError('.onnx.AttributeProto.typeProtos: array expected');
                message.typeProtos = [];
                for (var i = 0; i < object.typeProtos.length; ++i) {
                  if (typeof object.typeProtos[i] != 'object')
                    throw TypeError('.onnx.AttributeProto.typeProtos: object expected');
                  message.typeProtos[i] = $root.onnx.TypeProto.fromObject(object.typeProtos[i]);
                }
              }
              return message;
            }),
            (AttributeProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.floats = []),
                  (object.ints = []),
                  (object.strings = []),
                  (object.tensors = []),
                  (object.graphs = []),
                  (object.typeProtos = []),
                  (object.sparseTensors = [])),
                options.defaults)
              ) {
                if (((object.name = ''), (object.f = 0), $util.Long)) {
                  var long = new $util.Long(0, 0, !1);
                  object.i =
                    options.longs === String
                      ? long.toString()
                      : options.longs === Number
                        ? long.toNumber()
                        : long;
                } else object.i = options.longs === String ? '0' : 0;
                options.bytes === String
                  ? (object.s = '')
                  : ((object.s = []), options.bytes !== Array && (object.s = $util.newBuffer(object.s))),
                  (object.t = null),
                  (object.g = null),
                  (object.docString = ''),
                  (object.tp = null),
                  (object.type = options.enums === String ? 'UNDEFINED' : 0),
                  (object.refAttrName = ''),
                  (object.sparseTensor = null);
              }
              if (
                (message.name != null && Object.hasOwn(message, 'name') && (object.name = message.name),
                message.f != null &&
                  Object.hasOwn(message, 'f') &&
                  (object.f = options.json && !isFinite(message.f) ? String(message.f) : message.f),
                message.i != null &&
                  Object.hasOwn(message, 'i') &&
                  (typeof message.i == 'number'
                    ? (object.i = options.longs === String ? String(message.i) : message.i)
                    : (object.i =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.i)
                          : options.longs === Number
                            ? new $util.LongBits(message.i.low >>> 0, message.i.high >>> 0).toNumber()
                            : message.i)),
                message.s != null &&
                  Object.hasOwn(message, 's') &&
                  (object.s =
                    options.bytes === String
                      ? $util.base64.encode(message.s, 0, message.s.length)
                      : options.bytes === Array
                        ? Array.prototype.slice.call(message.s)
                        : message.s),
                message.t != null &&
                  Object.hasOwn(message, 't') &&
                  (object.t = $root.onnx.TensorProto.toObject(message.t, options)),
                message.g != null &&
                  Object.hasOwn(message, 'g') &&
                  (object.g = $root.onnx.GraphProto.toObject(message.g, options)),
                message.floats && message.floats.length)
              ) {
                object.floats = [];
                for (var j = 0; j < message.floats.length; ++j)
                  object.floats[j] =
                    options.json && !isFinite(message.floats[j])
                      ? String(message.floats[j])
                      : message.floats[j];
              }
              if (message.ints && message.ints.length) {
                object.ints = [];
                for (var j = 0; j < message.ints.length; ++j)
                  typeof message.ints[j] == 'number'
                    ? (object.ints[j] = options.longs === String ? String(message.ints[j]) : message.ints[j])
                    : (object.ints[j] =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.ints[j])
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.ints[j].low >>> 0,
                                message.ints[j].high >>> 0,
                              ).toNumber()
                            : message.ints[j]);
              }
              if (message.strings && message.strings.length) {
                object.strings = [];
                for (var j = 0; j < message.strings.length; ++j)
                  object.strings[j] =
                    options.bytes === String
                      ? $util.base64.encode(message.strings[j], 0, message.strings[j].length)
                      : options.bytes === Array
                        ? Array.prototype.slice.call(message.strings[j])
                        : message.strings[j];
              }
              if (message.tensors && message.tensors.length) {
                object.tensors = [];
                for (var j = 0; j < message.tensors.length; ++j)
                  object.tensors[j] = $root.onnx.TensorProto.toObject(message.tensors[j], options);
              }
              if (message.graphs && message.graphs.length) {
                object.graphs = [];
                for (var j = 0; j < message.graphs.length; ++j)
                  object.graphs[j] = $root.onnx.GraphProto.toObject(message.graphs[j], options);
              }
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                message.tp != null &&
                  Object.hasOwn(message, 'tp') &&
                  (object.tp = $root.onnx.TypeProto.toObject(message.tp, options)),
                message.typeProtos && message.typeProtos.length)
              ) {
                object.typeProtos = [];
                for (var j = 0; j < message.typeProtos.length; ++j)
                  object.typeProtos[j] = $root.onnx.TypeProto.toObject(message.typeProtos[j], options);
              }
              if (
                (message.type != null &&
                  Object.hasOwn(message, 'type') &&
                  (object.type =
                    options.enums === String
                      ? $root.onnx.AttributeProto.AttributeType[message.type]
                      : message.type),
                message.refAttrName != null &&
                  Object.hasOwn(message, 'refAttrName') &&
                  (object.refAttrName = message.refAttrName),
                message.sparseTensor != null &&
                  Object.hasOwn(message, 'sparseTensor') &&
                  (object.sparseTensor = $root.onnx.SparseTensorProto.toObject(
                    message.sparseTensor,
                    options,
                  )),
                message.sparseTensors && message.sparseTensors.length)
              ) {
                object.sparseTensors = [];
                for (var j = 0; j < message.sparseTensors.length; ++j)
                  object.sparseTensors[j] = $root.onnx.SparseTensorProto.toObject(
                    message.sparseTensors[j],
                    options,
                  );
              }
              return object;
            }),
            (AttributeProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            (AttributeProto.AttributeType = (() => {
              var valuesById = {},
                values = Object.create(valuesById);
              return (
                (values[(valuesById[0] = 'UNDEFINED')] = 0),
                (values[(valuesById[1] = 'FLOAT')] = 1),
                (values[(valuesById[2] = 'INT')] = 2),
                (values[(valuesById[3] = 'STRING')] = 3),
                (values[(valuesById[4] = 'TENSOR')] = 4),
                (values[(valuesById[5] = 'GRAPH')] = 5),
                (values[(valuesById[11] = 'SPARSE_TENSOR')] = 11),
                (values[(valuesById[13] = 'TYPE_PROTO')] = 13),
                (values[(valuesById[6] = 'FLOATS')] = 6),
                (values[(valuesById[7] = 'INTS')] = 7),
                (values[(valuesById[8] = 'STRINGS')] = 8),
                (values[(valuesById[9] = 'TENSORS')] = 9),
                (values[(valuesById[10] = 'GRAPHS')] = 10),
                (values[(valuesById[12] = 'SPARSE_TENSORS')] = 12),
                (values[(valuesById[14] = 'TYPE_PROTOS')] = 14),
                values
              );
            })()),
            AttributeProto
          );
        })()),
        (onnx2.ValueInfoProto = (() => {
          function ValueInfoProto(properties) {
            if (properties)
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (ValueInfoProto.prototype.name = ''),
            (ValueInfoProto.prototype.type = null),
            (ValueInfoProto.prototype.docString = ''),
            (ValueInfoProto.create = (properties) => new ValueInfoProto(properties)),
            (ValueInfoProto.encode = (message, writer) => (
              writer || (writer = $Writer.create()),
              message.name != null &&
                Object.hasOwn(message, 'name') &&
                writer
                  .uint32(
                    /* id 1, wireType 2 =*/
                    10,
                  )
                  .string(message.name),
              message.type != null &&
                Object.hasOwn(message, 'type') &&
                $root.onnx.TypeProto.encode(
                  message.type,
                  writer
                    .uint32(
                      /* id 2, wireType 2 =*/
                      18,
                    )
                    .fork(),
                ).ldelim(),
              message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                writer
                  .uint32(
                    /* id 3, wireType 2 =*/
                    26,
                  )
                  .string(message.docString),
              writer
            )),
            (ValueInfoProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (ValueInfoProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.ValueInfoProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.name = reader.string();
                    break;
                  case 2:
                    message.type = $root.onnx.TypeProto.decode(reader, reader.uint32());
                    break;
                  case 3:
                    message.docString = reader.string();
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (ValueInfoProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (ValueInfoProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.name != null && Object.hasOwn(message, 'name') && !$util.isString(message.name))
                return 'name: string expected';
              if (message.type != null && Object.hasOwn(message, 'type')) {
                var error = $root.onnx.TypeProto.verify(message.type);
                if (error) return 'type.' + error;
              }
              return message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
                ? 'docString: string expected'
                : null;
            }),
            (ValueInfoProto.fromObject = (object) => {
              if (object instanceof $root.onnx.ValueInfoProto) return object;
              var message = new $root.onnx.ValueInfoProto();
              if ((object.name != null && (message.name = String(object.name)), object.type != null)) {
                if (typeof object.type != 'object')
                  throw TypeError('.onnx.ValueInfoProto.type: object expected');
                message.type = $root.onnx.TypeProto.fromObject(object.type);
              }
              return (object.docString != null && (message.docString = String(object.docString)), message);
            }),
            (ValueInfoProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              return (
                options.defaults && ((object.name = ''), (object.type = null), (object.docString = '')),
                message.name != null && Object.hasOwn(message, 'name') && (object.name = message.name),
                message.type != null &&
                  Object.hasOwn(message, 'type') &&
                  (object.type = $root.onnx.TypeProto.toObject(message.type, options)),
                message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                object
              );
            }),
            (ValueInfoProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            ValueInfoProto
          );
        })()),
        (onnx2.NodeProto = (() => {
          function NodeProto(properties) {
            if (((this.input = []), (this.output = []), (this.attribute = []), properties))
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (NodeProto.prototype.input = $util.emptyArray),
            (NodeProto.prototype.output = $util.emptyArray),
            (NodeProto.prototype.name = ''),
            (NodeProto.prototype.opType = ''),
            (NodeProto.prototype.domain = ''),
            (NodeProto.prototype.attribute = $util.emptyArray),
            (NodeProto.prototype.docString = ''),
            (NodeProto.create = (properties) => new NodeProto(properties)),
            (NodeProto.encode = (message, writer) => {
              if ((writer || (writer = $Writer.create()), message.input != null && message.input.length))
                for (var i = 0; i < message.input.length; ++i)
                  writer
                    .uint32(
                      /* id 1, wireType 2 =*/
                      10,
                    )
                    .string(message.input[i]);
              if (message.output != null && message.output.length)
                for (var i = 0; i < message.output.length; ++i)
                  writer
                    .uint32(
                      /* id 2, wireType 2 =*/
                      18,
                    )
                    .string(message.output[i]);
              if (
                (message.name != null &&
                  Object.hasOwn(message, 'name') &&
                  writer
                    .uint32(
                      /* id 3, wireType 2 =*/
                      26,
                    )
                    .string(message.name),
                message.opType != null &&
                  Object.hasOwn(message, 'opType') &&
                  writer
                    .uint32(
                      /* id 4, wireType 2 =*/
                      34,
                    )
                    .string(message.opType),
                message.attribute != null && message.attribute.length)
              )
                for (var i = 0; i < message.attribute.length; ++i)
                  $root.onnx.AttributeProto.encode(
                    message.attribute[i],
                    writer
                      .uint32(
                        /* id 5, wireType 2 =*/
                        42,
                      )
                      .fork(),
                  ).ldelim();
              return (
                message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  writer
                    .uint32(
                      /* id 6, wireType 2 =*/
                      50,
                    )
                    .string(message.docString),
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  writer
                    .uint32(
                      /* id 7, wireType 2 =*/
                      58,
                    )
                    .string(message.domain),
                writer
              );
            }),
            (NodeProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (NodeProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.NodeProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    (message.input && message.input.length) || (message.input = []),
                      message.input.push(reader.string());
                    break;
                  case 2:
                    (message.output && message.output.length) || (message.output = []),
                      message.output.push(reader.string());
                    break;
                  case 3:
                    message.name = reader.string();
                    break;
                  case 4:
                    message.opType = reader.string();
                    break;
                  case 7:
                    message.domain = reader.string();
                    break;
                  case 5:
                    (message.attribute && message.attribute.length) || (message.attribute = []),
                      message.attribute.push($root.onnx.AttributeProto.decode(reader, reader.uint32()));
                    break;
                  case 6:
                    message.docString = reader.string();
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (NodeProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (NodeProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.input != null && Object.hasOwn(message, 'input')) {
                if (!Array.isArray(message.input)) return 'input: array expected';
                for (var i = 0; i < message.input.length; ++i)
                  if (!$util.isString(message.input[i])) return 'input: string[] expected';
              }
              if (message.output != null && Object.hasOwn(message, 'output')) {
                if (!Array.isArray(message.output)) return 'output: array expected';
                for (var i = 0; i < message.output.length; ++i)
                  if (!$util.isString(message.output[i])) return 'output: string[] expected';
              }
              if (message.name != null && Object.hasOwn(message, 'name') && !$util.isString(message.name))
                return 'name: string expected';
              if (
                message.opType != null &&
                Object.hasOwn(message, 'opType') &&
                !$util.isString(message.opType)
              )
                return 'opType: string expected';
              if (
                message.domain != null &&
                Object.hasOwn(message, 'domain') &&
                !$util.isString(message.domain)
              )
                return 'domain: string expected';
              if (message.attribute != null && Object.hasOwn(message, 'attribute')) {
                if (!Array.isArray(message.attribute)) return 'attribute: array expected';
                for (var i = 0; i < message.attribute.length; ++i) {
                  var error = $root.onnx.AttributeProto.verify(message.attribute[i]);
                  if (error) return 'attribute.' + error;
                }
              }
              return message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
                ? 'docString: string expected'
                : null;
            }),
            (NodeProto.fromObject = (object) => {
              if (object instanceof $root.onnx.NodeProto) return object;
              var message = new $root.onnx.NodeProto();
              if (object.input) {
                if (!Array.isArray(object.input)) throw TypeError('.onnx.NodeProto.input: array expected');
                message.input = [];
                for (var i = 0; i < object.input.length; ++i) message.input[i] = String(object.input[i]);
              }
              if (object.output) {
                if (!Array.isArray(object.output)) throw TypeError('.onnx.NodeProto.output: array expected');
                message.output = [];
                for (var i = 0; i < object.output.length; ++i) message.output[i] = String(object.output[i]);
              }
              if (
                (object.name != null && (message.name = String(object.name)),
                object.opType != null && (message.opType = String(object.opType)),
                object.domain != null && (message.domain = String(object.domain)),
                object.attribute)
              ) {
                if (!Array.isArray(object.attribute))
                  throw TypeError('.onnx.NodeProto.attribute: array expected');
                message.attribute = [];
                for (var i = 0; i < object.attribute.length; ++i) {
                  if (typeof object.attribute[i] != 'object')
                    throw TypeError('.onnx.NodeProto.attribute: object expected');
                  message.attribute[i] = $root.onnx.AttributeProto.fromObject(object.attribute[i]);
                }
              }
              return (object.docString != null && (message.docString = String(object.docString)), message);
            }),
            (NodeProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.input = []), (object.output = []), (object.attribute = [])),
                options.defaults &&
                  ((object.name = ''), (object.opType = ''), (object.docString = ''), (object.domain = '')),
                message.input && message.input.length)
              ) {
                object.input = [];
                for (var j = 0; j < message.input.length; ++j) object.input[j] = message.input[j];
              }
              if (message.output && message.output.length) {
                object.output = [];
                for (var j = 0; j < message.output.length; ++j) object.output[j] = message.output[j];
              }
              if (
                (message.name != null && Object.hasOwn(message, 'name') && (object.name = message.name),
                message.opType != null &&
                  Object.hasOwn(message, 'opType') &&
                  (object.opType = message.opType),
                message.attribute && message.attribute.length)
              ) {
                object.attribute = [];
                for (var j = 0; j < message.attribute.length; ++j)
                  object.attribute[j] = $root.onnx.AttributeProto.toObject(message.attribute[j], options);
              }
              return (
                message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  (object.domain = message.domain),
                object
              );
            }),
            (NodeProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            NodeProto
          );
        })()),
        (onnx2.TrainingInfoProto = (() => {
          function TrainingInfoProto(properties) {
            if (((this.initializationBinding = []), (this.updateBinding = []), properties))
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (TrainingInfoProto.prototype.initialization = null),
            (TrainingInfoProto.prototype.algorithm = null),
            (TrainingInfoProto.prototype.initializationBinding = $util.emptyArray),
            (TrainingInfoProto.prototype.updateBinding = $util.emptyArray),
            (TrainingInfoProto.create = (properties) => new TrainingInfoProto(properties)),
            (TrainingInfoProto.encode = (message, writer) => {
              if (
                (writer || (writer = $Writer.create()),
                message.initialization != null &&
                  Object.hasOwn(message, 'initialization') &&
                  $root.onnx.GraphProto.encode(
                    message.initialization,
                    writer
                      .uint32(
                        /* id 1, wireType 2 =*/
                        10,
                      )
                      .fork(),
                  ).ldelim(),
                message.algorithm != null &&
                  Object.hasOwn(message, 'algorithm') &&
                  $root.onnx.GraphProto.encode(
                    message.algorithm,
                    writer
                      .uint32(
                        /* id 2, wireType 2 =*/
                        18,
                      )
                      .fork(),
                  ).ldelim(),
                message.initializationBinding != null && message.initializationBinding.length)
              )
                for (var i = 0; i < message.initializationBinding.length; ++i)
                  $root.onnx.StringStringEntryProto.encode(
                    message.initializationBinding[i],
                    writer
                      .uint32(
                        /* id 3, wireType 2 =*/
                        26,
                      )
                      .fork(),
                  ).ldelim();
              if (message.updateBinding != null && message.updateBinding.length)
                for (var i = 0; i < message.updateBinding.length; ++i)
                  $root.onnx.StringStringEntryProto.encode(
                    message.updateBinding[i],
                    writer
                      .uint32(
                        /* id 4, wireType 2 =*/
                        34,
                      )
                      .fork(),
                  ).ldelim();
              return writer;
            }),
            (TrainingInfoProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (TrainingInfoProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.TrainingInfoProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.initialization = $root.onnx.GraphProto.decode(reader, reader.uint32());
                    break;
                  case 2:
                    message.algorithm = $root.onnx.GraphProto.decode(reader, reader.uint32());
                    break;
                  case 3:
                    (message.initializationBinding && message.initializationBinding.length) ||
                      (message.initializationBinding = []),
                      message.initializationBinding.push(
                        $root.onnx.StringStringEntryProto.decode(reader, reader.uint32()),
                      );
                    break;
                  case 4:
                    (message.updateBinding && message.updateBinding.length) || (message.updateBinding = []),
                      message.updateBinding.push(
                        $root.onnx.StringStringEntryProto.decode(reader, reader.uint32()),
                      );
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (TrainingInfoProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (TrainingInfoProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.initialization != null && Object.hasOwn(message, 'initialization')) {
                var error = $root.onnx.GraphProto.verify(message.initialization);
                if (error) return 'initialization.' + error;
              }
              if (message.algorithm != null && Object.hasOwn(message, 'algorithm')) {
                var error = $root.onnx.GraphProto.verify(message.algorithm);
                if (error) return 'algorithm.' + error;
              }
              if (message.initializationBinding != null && Object.hasOwn(message, 'initializationBinding')) {
                if (!Array.isArray(message.initializationBinding))
                  return 'initializationBinding: array expected';
                for (var i = 0; i < message.initializationBinding.length; ++i) {
                  var error = $root.onnx.StringStringEntryProto.verify(message.initializationBinding[i]);
                  if (error) return 'initializationBinding.' + error;
                }
              }
              if (message.updateBinding != null && Object.hasOwn(message, 'updateBinding')) {
                if (!Array.isArray(message.updateBinding)) return 'updateBinding: array expected';
                for (var i = 0; i < message.updateBinding.length; ++i) {
                  var error = $root.onnx.StringStringEntryProto.verify(message.updateBinding[i]);
                  if (error) return 'updateBinding.' + error;
                }
              }
              return null;
            }),
            (TrainingInfoProto.fromObject = (object) => {
              if (object instanceof $root.onnx.TrainingInfoProto) return object;
              var message = new $root.onnx.TrainingInfoProto();
              if (object.initialization != null) {
                if (typeof object.initialization != 'object')
                  throw TypeError('.onnx.TrainingInfoProto.initialization: object expected');
                message.initialization = $root.onnx.GraphProto.fromObject(object.initialization);
              }
              if (object.algorithm != null) {
                if (typeof object.algorithm != 'object')
                  throw TypeError('.onnx.TrainingInfoProto.algorithm: object expected');
                message.algorithm = $root.onnx.GraphProto.fromObject(object.algorithm);
              }
              if (object.initializationBinding) {
                if (!Array.isArray(object.initializationBinding))
                  throw TypeError('.onnx.TrainingInfoProto.initializationBinding: array expected');
                message.initializationBinding = [];
                for (var i = 0; i < object.initializationBinding.length; ++i) {
                  if (typeof object.initializationBinding[i] != 'object')
                    throw TypeError('.onnx.TrainingInfoProto.initializationBinding: object expected');
                  message.initializationBinding[i] = $root.onnx.StringStringEntryProto.fromObject(
                    object.initializationBinding[i],
                  );
                }
              }
              if (object.updateBinding) {
                if (!Array.isArray(object.updateBinding))
                  throw TypeError('.onnx.TrainingInfoProto.updateBinding: array expected');
                message.updateBinding = [];
                for (var i = 0; i < object.updateBinding.length; ++i) {
                  if (typeof object.updateBinding[i] != 'object')
                    throw TypeError('.onnx.TrainingInfoProto.updateBinding: object expected');
                  message.updateBinding[i] = $root.onnx.StringStringEntryProto.fromObject(
                    object.updateBinding[i],
                  );
                }
              }
              return message;
            }),
            (TrainingInfoProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.initializationBinding = []), (object.updateBinding = [])),
                options.defaults && ((object.initialization = null), (object.algorithm = null)),
                message.initialization != null &&
                  Object.hasOwn(message, 'initialization') &&
                  (object.initialization = $root.onnx.GraphProto.toObject(message.initialization, options)),
                message.algorithm != null &&
                  Object.hasOwn(message, 'algorithm') &&
                  (object.algorithm = $root.onnx.GraphProto.toObject(message.algorithm, options)),
                message.initializationBinding && message.initializationBinding.length)
              ) {
                object.initializationBinding = [];
                for (var j = 0; j < message.initializationBinding.length; ++j)
                  object.initializationBinding[j] = $root.onnx.StringStringEntryProto.toObject(
                    message.initializationBinding[j],
                    options,
                  );
              }
              if (message.updateBinding && message.updateBinding.length) {
                object.updateBinding = [];
                for (var j = 0; j < message.updateBinding.length; ++j)
                  object.updateBinding[j] = $root.onnx.StringStringEntryProto.toObject(
                    message.updateBinding[j],
                    options,
                  );
              }
              return object;
            }),
            (TrainingInfoProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            TrainingInfoProto
          );
        })()),
        (onnx2.ModelProto = (() => {
          function ModelProto(properties) {
            if (
              ((this.opsetImport = []),
              (this.metadataProps = []),
              (this.trainingInfo = []),
              (this.functions = []),
              properties)
            )
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (ModelProto.prototype.irVersion = $util.Long ? $util.Long.fromBits(0, 0, !1) : 0),
            (ModelProto.prototype.opsetImport = $util.emptyArray),
            (ModelProto.prototype.producerName = ''),
            (ModelProto.prototype.producerVersion = ''),
            (ModelProto.prototype.domain = ''),
            (ModelProto.prototype.modelVersion = $util.Long ? $util.Long.fromBits(0, 0, !1) : 0),
            (ModelProto.prototype.docString = ''),
            (ModelProto.prototype.graph = null),
            (ModelProto.prototype.metadataProps = $util.emptyArray),
            (ModelProto.prototype.trainingInfo = $util.emptyArray),
            (ModelProto.prototype.functions = $util.emptyArray),
            (ModelProto.create = (properties) => new ModelProto(properties)),
            (ModelProto.encode = (message, writer) => {
              if (
                (writer || (writer = $Writer.create()),
                message.irVersion != null &&
                  Object.hasOwn(message, 'irVersion') &&
                  writer
                    .uint32(
                      /* id 1, wireType 0 =*/
                      8,
                    )
                    .int64(message.irVersion),
                message.producerName != null &&
                  Object.hasOwn(message, 'producerName') &&
                  writer
                    .uint32(
                      /* id 2, wireType 2 =*/
                      18,
                    )
                    .string(message.producerName),
                message.producerVersion != null &&
                  Object.hasOwn(message, 'producerVersion') &&
                  writer
                    .uint32(
                      /* id 3, wireType 2 =*/
                      26,
                    )
                    .string(message.producerVersion),
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  writer
                    .uint32(
                      /* id 4, wireType 2 =*/
                      34,
                    )
                    .string(message.domain),
                message.modelVersion != null &&
                  Object.hasOwn(message, 'modelVersion') &&
                  writer
                    .uint32(
                      /* id 5, wireType 0 =*/
                      40,
                    )
                    .int64(message.modelVersion),
                message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  writer
                    .uint32(
                      /* id 6, wireType 2 =*/
                      50,
                    )
                    .string(message.docString),
                message.graph != null &&
                  Object.hasOwn(message, 'graph') &&
                  $root.onnx.GraphProto.encode(
                    message.graph,
                    writer
                      .uint32(
                        /* id 7, wireType 2 =*/
                        58,
                      )
                      .fork(),
                  ).ldelim(),
                message.opsetImport != null && message.opsetImport.length)
              )
                for (var i = 0; i < message.opsetImport.length; ++i)
                  $root.onnx.OperatorSetIdProto.encode(
                    message.opsetImport[i],
                    writer
                      .uint32(
                        /* id 8, wireType 2 =*/
                        66,
                      )
                      .fork(),
                  ).ldelim();
              if (message.metadataProps != null && message.metadataProps.length)
                for (var i = 0; i < message.metadataProps.length; ++i)
                  $root.onnx.StringStringEntryProto.encode(
                    message.metadataProps[i],
                    writer
                      .uint32(
                        /* id 14, wireType 2 =*/
                        114,
                      )
                      .fork(),
                  ).ldelim();
              if (message.trainingInfo != null && message.trainingInfo.length)
                for (var i = 0; i < message.trainingInfo.length; ++i)
                  $root.onnx.TrainingInfoProto.encode(
                    message.trainingInfo[i],
                    writer
                      .uint32(
                        /* id 20, wireType 2 =*/
                        162,
                      )
                      .fork(),
                  ).ldelim();
              if (message.functions != null && message.functions.length)
                for (var i = 0; i < message.functions.length; ++i)
                  $root.onnx.FunctionProto.encode(
                    message.functions[i],
                    writer
                      .uint32(
                        /* id 25, wireType 2 =*/
                        202,
                      )
                      .fork(),
                  ).ldelim();
              return writer;
            }),
            (ModelProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (ModelProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.ModelProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.irVersion = reader.int64();
                    break;
                  case 8:
                    (message.opsetImport && message.opsetImport.length) || (message.opsetImport = []),
                      message.opsetImport.push($root.onnx.OperatorSetIdProto.decode(reader, reader.uint32()));
                    break;
                  case 2:
                    message.producerName = reader.string();
                    break;
                  case 3:
                    message.producerVersion = reader.string();
                    break;
                  case 4:
                    message.domain = reader.string();
                    break;
                  case 5:
                    message.modelVersion = reader.int64();
                    break;
                  case 6:
                    message.docString = reader.string();
                    break;
                  case 7:
                    message.graph = $root.onnx.GraphProto.decode(reader, reader.uint32());
                    break;
                  case 14:
                    (message.metadataProps && message.metadataProps.length) || (message.metadataProps = []),
                      message.metadataProps.push(
                        $root.onnx.StringStringEntryProto.decode(reader, reader.uint32()),
                      );
                    break;
                  case 20:
                    (message.trainingInfo && message.trainingInfo.length) || (message.trainingInfo = []),
                      message.trainingInfo.push($root.onnx.TrainingInfoProto.decode(reader, reader.uint32()));
                    break;
                  case 25:
                    (message.functions && message.functions.length) || (message.functions = []),
                      message.functions.push($root.onnx.FunctionProto.decode(reader, reader.uint32()));
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (ModelProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (ModelProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (
                message.irVersion != null &&
                Object.hasOwn(message, 'irVersion') &&
                !$util.isInteger(message.irVersion) &&
                !(
                  message.irVersion &&
                  $util.isInteger(message.irVersion.low) &&
                  $util.isInteger(message.irVersion.high)
                )
              )
                return 'irVersion: integer|Long expected';
              if (message.opsetImport != null && Object.hasOwn(message, 'opsetImport')) {
                if (!Array.isArray(message.opsetImport)) return 'opsetImport: array expected';
                for (var i = 0; i < message.opsetImport.length; ++i) {
                  var error = $root.onnx.OperatorSetIdProto.verify(message.opsetImport[i]);
                  if (error) return 'opsetImport.' + error;
                }
              }
              if (
                message.producerName != null &&
                Object.hasOwn(message, 'producerName') &&
                !$util.isString(message.producerName)
              )
                return 'producerName: string expected';
              if (
                message.producerVersion != null &&
                Object.hasOwn(message, 'producerVersion') &&
                !$util.isString(message.producerVersion)
              )
                return 'producerVersion: string expected';
              if (
                message.domain != null &&
                Object.hasOwn(message, 'domain') &&
                !$util.isString(message.domain)
              )
                return 'domain: string expected';
              if (
                message.modelVersion != null &&
                Object.hasOwn(message, 'modelVersion') &&
                !$util.isInteger(message.modelVersion) &&
                !(
                  message.modelVersion &&
                  $util.isInteger(message.modelVersion.low) &&
                  $util.isInteger(message.modelVersion.high)
                )
              )
                return 'modelVersion: integer|Long expected';
              if (
                message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
              )
                return 'docString: string expected';
              if (message.graph != null && Object.hasOwn(message, 'graph')) {
                var error = $root.onnx.GraphProto.verify(message.graph);
                if (error) return 'graph.' + error;
              }
              if (message.metadataProps != null && Object.hasOwn(message, 'metadataProps')) {
                if (!Array.isArray(message.metadataProps)) return 'metadataProps: array expected';
                for (var i = 0; i < message.metadataProps.length; ++i) {
                  var error = $root.onnx.StringStringEntryProto.verify(message.metadataProps[i]);
                  if (error) return 'metadataProps.' + error;
                }
              }
              if (message.trainingInfo != null && Object.hasOwn(message, 'trainingInfo')) {
                if (!Array.isArray(message.trainingInfo)) return 'trainingInfo: array expected';
                for (var i = 0; i < message.trainingInfo.length; ++i) {
                  var error = $root.onnx.TrainingInfoProto.verify(message.trainingInfo[i]);
                  if (error) return 'trainingInfo.' + error;
                }
              }
              if (message.functions != null && Object.hasOwn(message, 'functions')) {
                if (!Array.isArray(message.functions)) return 'functions: array expected';
                for (var i = 0; i < message.functions.length; ++i) {
                  var error = $root.onnx.FunctionProto.verify(message.functions[i]);
                  if (error) return 'functions.' + error;
                }
              }
              return null;
            }),
            (ModelProto.fromObject = (object) => {
              if (object instanceof $root.onnx.ModelProto) return object;
              var message = new $root.onnx.ModelProto();
              if (
                (object.irVersion != null &&
                  ($util.Long
                    ? ((message.irVersion = $util.Long.fromValue(object.irVersion)).unsigned = !1)
                    : typeof object.irVersion == 'string'
                      ? (message.irVersion = parseInt(object.irVersion, 10))
                      : typeof object.irVersion == 'number'
                        ? (message.irVersion = object.irVersion)
                        : typeof object.irVersion == 'object' &&
                          (message.irVersion = new $util.LongBits(
                            object.irVersion.low >>> 0,
                            object.irVersion.high >>> 0,
                          ).toNumber())),
                object.opsetImport)
              ) {
                if (!Array.isArray(object.opsetImport))
                  throw TypeError('.onnx.ModelProto.opsetImport: array expected');
                message.opsetImport = [];
                for (var i = 0; i < object.opsetImport.length; ++i) {
                  if (typeof object.opsetImport[i] != 'object')
                    throw TypeError('.onnx.ModelProto.opsetImport: object expected');
                  message.opsetImport[i] = $root.onnx.OperatorSetIdProto.fromObject(object.opsetImport[i]);
                }
              }
              if (
                (object.producerName != null && (message.producerName = String(object.producerName)),
                object.producerVersion != null && (message.producerVersion = String(object.producerVersion)),
                object.domain != null && (message.domain = String(object.domain)),
                object.modelVersion != null &&
                  ($util.Long
                    ? ((message.modelVersion = $util.Long.fromValue(object.modelVersion)).unsigned = !1)
                    : typeof object.modelVersion == 'string'
                      ? (message.modelVersion = parseInt(object.modelVersion, 10))
                      : typeof object.modelVersion == 'number'
                        ? (message.modelVersion = object.modelVersion)
                        : typeof object.modelVersion == 'object' &&
                          (message.modelVersion = new $util.LongBits(
                            object.modelVersion.low >>> 0,
                            object.modelVersion.high >>> 0,
                          ).toNumber())),
                object.docString != null && (message.docString = String(object.docString)),
                object.graph != null)
              ) {
                if (typeof object.graph != 'object')
                  throw TypeError('.onnx.ModelProto.graph: object expected');
                message.graph = $root.onnx.GraphProto.fromObject(object.graph);
              }
              if (object.metadataProps) {
                if (!Array.isArray(object.metadataProps))
                  throw TypeError('.onnx.ModelProto.metadataProps: array expected');
                message.metadataProps = [];
                for (var i = 0; i < object.metadataProps.length; ++i) {
                  if (typeof object.metadataProps[i] != 'object')
                    throw TypeError('.onnx.ModelProto.metadataProps: object expected');
                  message.metadataProps[i] = $root.onnx.StringStringEntryProto.fromObject(
                    object.metadataProps[i],
                  );
                }
              }
              if (object.trainingInfo) {
                if (!Array.isArray(object.trainingInfo))
                  throw TypeError('.onnx.ModelProto.trainingInfo: array expected');
                message.trainingInfo = [];
                for (var i = 0; i < object.trainingInfo.length; ++i) {
                  if (typeof object.trainingInfo[i] != 'object')
                    throw TypeError('.onnx.ModelProto.trainingInfo: object expected');
                  message.trainingInfo[i] = $root.onnx.TrainingInfoProto.fromObject(object.trainingInfo[i]);
                }
              }
              if (object.functions) {
                if (!Array.isArray(object.functions))
                  throw TypeError('.onnx.ModelProto.functions: array expected');
                message.functions = [];
                for (var i = 0; i < object.functions.length; ++i) {
                  if (typeof object.functions[i] != 'object')
                    throw TypeError('.onnx.ModelProto.functions: object expected');
                  message.functions[i] = $root.onnx.FunctionProto.fromObject(object.functions[i]);
                }
              }
              return message;
            }),
            (ModelProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.opsetImport = []),
                  (object.metadataProps = []),
                  (object.trainingInfo = []),
                  (object.functions = [])),
                options.defaults)
              ) {
                if ($util.Long) {
                  var long = new $util.Long(0, 0, !1);
                  object.irVersion =
                    options.longs === String
                      ? long.toString()
                      : options.longs === Number
                        ? long.toNumber()
                        : long;
                } else object.irVersion = options.longs === String ? '0' : 0;
                if (
                  ((object.producerName = ''),
                  (object.producerVersion = ''),
                  (object.domain = ''),
                  $util.Long)
                ) {
                  var long = new $util.Long(0, 0, !1);
                  object.modelVersion =
                    options.longs === String
                      ? long.toString()
                      : options.longs === Number
                        ? long.toNumber()
                        : long;
                } else object.modelVersion = options.longs === String ? '0' : 0;
                (object.docString = ''), (object.graph = null);
              }
              if (
                (message.irVersion != null &&
                  Object.hasOwn(message, 'irVersion') &&
                  (typeof message.irVersion == 'number'
                    ? (object.irVersion =
                        options.longs === String ? String(message.irVersion) : message.irVersion)
                    : (object.irVersion =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.irVersion)
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.irVersion.low >>> 0,
                                message.irVersion.high >>> 0,
                              ).toNumber()
                            : message.irVersion)),
                message.producerName != null &&
                  Object.hasOwn(message, 'producerName') &&
                  (object.producerName = message.producerName),
                message.producerVersion != null &&
                  Object.hasOwn(message, 'producerVersion') &&
                  (object.producerVersion = message.producerVersion),
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  (object.domain = message.domain),
                message.modelVersion != null &&
                  Object.hasOwn(message, 'modelVersion') &&
                  (typeof message.modelVersion == 'number'
                    ? (object.modelVersion =
                        options.longs === String ? String(message.modelVersion) : message.modelVersion)
                    : (object.modelVersion =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.modelVersion)
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.modelVersion.low >>> 0,
                                message.modelVersion.high >>> 0,
                              ).toNumber()
                            : message.modelVersion)),
                message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                message.graph != null &&
                  Object.hasOwn(message, 'graph') &&
                  (object.graph = $root.onnx.GraphProto.toObject(message.graph, options)),
                message.opsetImport && message.opsetImport.length)
              ) {
                object.opsetImport = [];
                for (var j = 0; j < message.opsetImport.length; ++j)
                  object.opsetImport[j] = $root.onnx.OperatorSetIdProto.toObject(
                    message.opsetImport[j],
                    options,
                  );
              }
              if (message.metadataProps && message.metadataProps.length) {
                object.metadataProps = [];
                for (var j = 0; j < message.metadataProps.length; ++j)
                  object.metadataProps[j] = $root.onnx.StringStringEntryProto.toObject(
                    message.metadataProps[j],
                    options,
                  );
              }
              if (message.trainingInfo && message.trainingInfo.length) {
                object.trainingInfo = [];
                for (var j = 0; j < message.trainingInfo.length; ++j)
                  object.trainingInfo[j] = $root.onnx.TrainingInfoProto.toObject(
                    message.trainingInfo[j],
                    options,
                  );
              }
              if (message.functions && message.functions.length) {
                object.functions = [];
                for (var j = 0; j < message.functions.length; ++j)
                  object.functions[j] = $root.onnx.FunctionProto.toObject(message.functions[j], options);
              }
              return object;
            }),
            (ModelProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            ModelProto
          );
        })()),
        (onnx2.StringStringEntryProto = (() => {
          function StringStringEntryProto(properties) {
            if (properties)
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (StringStringEntryProto.prototype.key = ''),
            (StringStringEntryProto.prototype.value = ''),
            (StringStringEntryProto.create = (properties) => new StringStringEntryProto(properties)),
            (StringStringEntryProto.encode = (message, writer) => (
              writer || (writer = $Writer.create()),
              message.key != null &&
                Object.hasOwn(message, 'key') &&
                writer
                  .uint32(
                    /* id 1, wireType 2 =*/
                    10,
                  )
                  .string(message.key),
              message.value != null &&
                Object.hasOwn(message, 'value') &&
                writer
                  .uint32(
                    /* id 2, wireType 2 =*/
                    18,
                  )
                  .string(message.value),
              writer
            )),
            (StringStringEntryProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (StringStringEntryProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.StringStringEntryProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.key = reader.string();
                    break;
                  case 2:
                    message.value = reader.string();
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (StringStringEntryProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (StringStringEntryProto.verify = (message) =>
              typeof message != 'object' || message === null
                ? 'object expected'
                : message.key != null && Object.hasOwn(message, 'key') && !$util.isString(message.key)
                  ? 'key: string expected'
                  : message.value != null && Object.hasOwn(message, 'value') && !$util.isString(message.value)
                    ? 'value: string expected'
                    : null),
            (StringStringEntryProto.fromObject = (object) => {
              if (object instanceof $root.onnx.StringStringEntryProto) return object;
              var message = new $root.onnx.StringStringEntryProto();
              return (
                object.key != null && (message.key = String(object.key)),
                object.value != null && (message.value = String(object.value)),
                message
              );
            }),
            (StringStringEntryProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              return (
                options.defaults && ((object.key = ''), (object.value = '')),
                message.key != null && Object.hasOwn(message, 'key') && (object.key = message.key),
                message.value != null && Object.hasOwn(message, 'value') && (object.value = message.value),
                object
              );
            }),
            (StringStringEntryProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            StringStringEntryProto
          );
        })()),
        (onnx2.TensorAnnotation = (() => {
          function TensorAnnotation(properties) {
            if (((this.quantParameterTensorNames = []), properties))
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (TensorAnnotation.prototype.tensorName = ''),
            (TensorAnnotation.prototype.quantParameterTensorNames = $util.emptyArray),
            (TensorAnnotation.create = (properties) => new TensorAnnotation(properties)),
            (TensorAnnotation.encode = (message, writer) => {
              if (
                (writer || (writer = $Writer.create()),
                message.tensorName != null &&
                  Object.hasOwn(message, 'tensorName') &&
                  writer
                    .uint32(
                      /* id 1, wireType 2 =*/
                      10,
                    )
                    .string(message.tensorName),
                message.quantParameterTensorNames != null && message.quantParameterTensorNames.length)
              )
                for (var i = 0; i < message.quantParameterTensorNames.length; ++i)
                  $root.onnx.StringStringEntryProto.encode(
                    message.quantParameterTensorNames[i],
                    writer
                      .uint32(
                        /* id 2, wireType 2 =*/
                        18,
                      )
                      .fork(),
                  ).ldelim();
              return writer;
            }),
            (TensorAnnotation.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (TensorAnnotation.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.TensorAnnotation();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.tensorName = reader.string();
                    break;
                  case 2:
                    (message.quantParameterTensorNames && message.quantParameterTensorNames.length) ||
                      (message.quantParameterTensorNames = []),
                      message.quantParameterTensorNames.push(
                        $root.onnx.StringStringEntryProto.decode(reader, reader.uint32()),
                      );
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (TensorAnnotation.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (TensorAnnotation.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (
                message.tensorName != null &&
                Object.hasOwn(message, 'tensorName') &&
                !$util.isString(message.tensorName)
              )
                return 'tensorName: string expected';
              if (
                message.quantParameterTensorNames != null &&
                Object.hasOwn(message, 'quantParameterTensorNames')
              ) {
                if (!Array.isArray(message.quantParameterTensorNames))
                  return 'quantParameterTensorNames: array expected';
                for (var i = 0; i < message.quantParameterTensorNames.length; ++i) {
                  var error = $root.onnx.StringStringEntryProto.verify(message.quantParameterTensorNames[i]);
                  if (error) return 'quantParameterTensorNames.' + error;
                }
              }
              return null;
            }),
            (TensorAnnotation.fromObject = (object) => {
              if (object instanceof $root.onnx.TensorAnnotation) return object;
              var message = new $root.onnx.TensorAnnotation();
              if (
                (object.tensorName != null && (message.tensorName = String(object.tensorName)),
                object.quantParameterTensorNames)
              ) {
                if (!Array.isArray(object.quantParameterTensorNames))
                  throw TypeError('.onnx.TensorAnnotation.quantParameterTensorNames: array expected');
                message.quantParameterTensorNames = [];
                for (var i = 0; i < object.quantParameterTensorNames.length; ++i) {
                  if (typeof object.quantParameterTensorNames[i] != 'object')
                    throw TypeError('.onnx.TensorAnnotation.quantParameterTensorNames: object expected');
                  message.quantParameterTensorNames[i] = $root.onnx.StringStringEntryProto.fromObject(
                    object.quantParameterTensorNames[i],
                  );
                }
              }
              return message;
            }),
            (TensorAnnotation.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) && (object.quantParameterTensorNames = []),
                options.defaults && (object.tensorName = ''),
                message.tensorName != null &&
                  Object.hasOwn(message, 'tensorName') &&
                  (object.tensorName = message.tensorName),
                message.quantParameterTensorNames && message.quantParameterTensorNames.length)
              ) {
                object.quantParameterTensorNames = [];
                for (var j = 0; j < message.quantParameterTensorNames.length; ++j)
                  object.quantParameterTensorNames[j] = $root.onnx.StringStringEntryProto.toObject(
                    message.quantParameterTensorNames[j],
                    options,
                  );
              }
              return object;
            }),
            (TensorAnnotation.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            TensorAnnotation
          );
        })()),
        (onnx2.GraphProto = (() => {
          function GraphProto(properties) {
            if (
              ((this.node = []),
              (this.initializer = []),
              (this.sparseInitializer = []),
              (this.input = []),
              (this.output = []),
              (this.valueInfo = []),
              (this.quantizationAnnotation = []),
              properties)
            )
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (GraphProto.prototype.node = $util.emptyArray),
            (GraphProto.prototype.name = ''),
            (GraphProto.prototype.initializer = $util.emptyArray),
            (GraphProto.prototype.sparseInitializer = $util.emptyArray),
            (GraphProto.prototype.docString = ''),
            (GraphProto.prototype.input = $util.emptyArray),
            (GraphProto.prototype.output = $util.emptyArray),
            (GraphProto.prototype.valueInfo = $util.emptyArray),
            (GraphProto.prototype.quantizationAnnotation = $util.emptyArray),
            (GraphProto.create = (properties) => new GraphProto(properties)),
            (GraphProto.encode = (message, writer) => {
              if ((writer || (writer = $Writer.create()), message.node != null && message.node.length))
                for (var i = 0; i < message.node.length; ++i)
                  $root.onnx.NodeProto.encode(
                    message.node[i],
                    writer
                      .uint32(
                        /* id 1, wireType 2 =*/
                        10,
                      )
                      .fork(),
                  ).ldelim();
              if (
                (message.name != null &&
                  Object.hasOwn(message, 'name') &&
                  writer
                    .uint32(
                      /* id 2, wireType 2 =*/
                      18,
                    )
                    .string(message.name),
                message.initializer != null && message.initializer.length)
              )
                for (var i = 0; i < message.initializer.length; ++i)
                  $root.onnx.TensorProto.encode(
                    message.initializer[i],
                    writer
                      .uint32(
                        /* id 5, wireType 2 =*/
                        42,
                      )
                      .fork(),
                  ).ldelim();
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  writer
                    .uint32(
                      /* id 10, wireType 2 =*/
                      82,
                    )
                    .string(message.docString),
                message.input != null && message.input.length)
              )
                for (var i = 0; i < message.input.length; ++i)
                  $root.onnx.ValueInfoProto.encode(
                    message.input[i],
                    writer
                      .uint32(
                        /* id 11, wireType 2 =*/
                        90,
                      )
                      .fork(),
                  ).ldelim();
              if (message.output != null && message.output.length)
                for (var i = 0; i < message.output.length; ++i)
                  $root.onnx.ValueInfoProto.encode(
                    message.output[i],
                    writer
                      .uint32(
                        /* id 12, wireType 2 =*/
                        98,
                      )
                      .fork(),
                  ).ldelim();
              if (message.valueInfo != null && message.valueInfo.length)
                for (var i = 0; i < message.valueInfo.length; ++i)
                  $root.onnx.ValueInfoProto.encode(
                    message.valueInfo[i],
                    writer
                      .uint32(
                        /* id 13, wireType 2 =*/
                        106,
                      )
                      .fork(),
                  ).ldelim();
              if (message.quantizationAnnotation != null && message.quantizationAnnotation.length)
                for (var i = 0; i < message.quantizationAnnotation.length; ++i)
                  $root.onnx.TensorAnnotation.encode(
                    message.quantizationAnnotation[i],
                    writer
                      .uint32(
                        /* id 14, wireType 2 =*/
                        114,
                      )
                      .fork(),
                  ).ldelim();
              if (message.sparseInitializer != null && message.sparseInitializer.length)
                for (var i = 0; i < message.sparseInitializer.length; ++i)
                  $root.onnx.SparseTensorProto.encode(
                    message.sparseInitializer[i],
                    writer
                      .uint32(
                        /* id 15, wireType 2 =*/
                        122,
                      )
                      .fork(),
                  ).ldelim();
              return writer;
            }),
            (GraphProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (GraphProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.GraphProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    (message.node && message.node.length) || (message.node = []),
                      message.node.push($root.onnx.NodeProto.decode(reader, reader.uint32()));
                    break;
                  case 2:
                    message.name = reader.string();
                    break;
                  case 5:
                    (message.initializer && message.initializer.length) || (message.initializer = []),
                      message.initializer.push($root.onnx.TensorProto.decode(reader, reader.uint32()));
                    break;
                  case 15:
                    (message.sparseInitializer && message.sparseInitializer.length) ||
                      (message.sparseInitializer = []),
                      message.sparseInitializer.push(
                        $root.onnx.SparseTensorProto.decode(reader, reader.uint32()),
                      );
                    break;
                  case 10:
                    message.docString = reader.string();
                    break;
                  case 11:
                    (message.input && message.input.length) || (message.input = []),
                      message.input.push($root.onnx.ValueInfoProto.decode(reader, reader.uint32()));
                    break;
                  case 12:
                    (message.output && message.output.length) || (message.output = []),
                      message.output.push($root.onnx.ValueInfoProto.decode(reader, reader.uint32()));
                    break;
                  case 13:
                    (message.valueInfo && message.valueInfo.length) || (message.valueInfo = []),
                      message.valueInfo.push($root.onnx.ValueInfoProto.decode(reader, reader.uint32()));
                    break;
                  case 14:
                    (message.quantizationAnnotation && message.quantizationAnnotation.length) ||
                      (message.quantizationAnnotation = []),
                      message.quantizationAnnotation.push(
                        $root.onnx.TensorAnnotation.decode(reader, reader.uint32()),
                      );
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (GraphProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (GraphProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.node != null && Object.hasOwn(message, 'node')) {
                if (!Array.isArray(message.node)) return 'node: array expected';
                for (var i = 0; i < message.node.length; ++i) {
                  var error = $root.onnx.NodeProto.verify(message.node[i]);
                  if (error) return 'node.' + error;
                }
              }
              if (message.name != null && Object.hasOwn(message, 'name') && !$util.isString(message.name))
                return 'name: string expected';
              if (message.initializer != null && Object.hasOwn(message, 'initializer')) {
                if (!Array.isArray(message.initializer)) return 'initializer: array expected';
                for (var i = 0; i < message.initializer.length; ++i) {
                  var error = $root.onnx.TensorProto.verify(message.initializer[i]);
                  if (error) return 'initializer.' + error;
                }
              }
              if (message.sparseInitializer != null && Object.hasOwn(message, 'sparseInitializer')) {
                if (!Array.isArray(message.sparseInitializer)) return 'sparseInitializer: array expected';
                for (var i = 0; i < message.sparseInitializer.length; ++i) {
                  var error = $root.onnx.SparseTensorProto.verify(message.sparseInitializer[i]);
                  if (error) return 'sparseInitializer.' + error;
                }
              }
              if (
                message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
              )
                return 'docString: string expected';
              if (message.input != null && Object.hasOwn(message, 'input')) {
                if (!Array.isArray(message.input)) return 'input: array expected';
                for (var i = 0; i < message.input.length; ++i) {
                  var error = $root.onnx.ValueInfoProto.verify(message.input[i]);
                  if (error) return 'input.' + error;
                }
              }
              if (message.output != null && Object.hasOwn(message, 'output')) {
                if (!Array.isArray(message.output)) return 'output: array expected';
                for (var i = 0; i < message.output.length; ++i) {
                  var error = $root.onnx.ValueInfoProto.verify(message.output[i]);
                  if (error) return 'output.' + error;
                }
              }
              if (message.valueInfo != null && Object.hasOwn(message, 'valueInfo')) {
                if (!Array.isArray(message.valueInfo)) return 'valueInfo: array expected';
                for (var i = 0; i < message.valueInfo.length; ++i) {
                  var error = $root.onnx.ValueInfoProto.verify(message.valueInfo[i]);
                  if (error) return 'valueInfo.' + error;
                }
              }
              if (
                message.quantizationAnnotation != null &&
                Object.hasOwn(message, 'quantizationAnnotation')
              ) {
                if (!Array.isArray(message.quantizationAnnotation))
                  return 'quantizationAnnotation: array expected';
                for (var i = 0; i < message.quantizationAnnotation.length; ++i) {
                  var error = $root.onnx.TensorAnnotation.verify(message.quantizationAnnotation[i]);
                  if (error) return 'quantizationAnnotation.' + error;
                }
              }
              return null;
            }),
            (GraphProto.fromObject = (object) => {
              if (object instanceof $root.onnx.GraphProto) return object;
              var message = new $root.onnx.GraphProto();
              if (object.node) {
                if (!Array.isArray(object.node)) throw TypeError('.onnx.GraphProto.node: array expected');
                message.node = [];
                for (var i = 0; i < object.node.length; ++i) {
                  if (typeof object.node[i] != 'object')
                    throw TypeError('.onnx.GraphProto.node: object expected');
                  message.node[i] = $root.onnx.NodeProto.fromObject(object.node[i]);
                }
              }
              if ((object.name != null && (message.name = String(object.name)), object.initializer)) {
                if (!Array.isArray(object.initializer))
                  throw TypeError('.onnx.GraphProto.initializer: array expected');
                message.initializer = [];
                for (var i = 0; i < object.initializer.length; ++i) {
                  if (typeof object.initializer[i] != 'object')
                    throw TypeError('.onnx.GraphProto.initializer: object expected');
                  message.initializer[i] = $root.onnx.TensorProto.fromObject(object.initializer[i]);
                }
              }
              if (object.sparseInitializer) {
                if (!Array.isArray(object.sparseInitializer))
                  throw TypeError('.onnx.GraphProto.sparseInitializer: array expected');
                message.sparseInitializer = [];
                for (var i = 0; i < object.sparseInitializer.length; ++i) {
                  if (typeof object.sparseInitializer[i] != 'object')
                    throw TypeError('.onnx.GraphProto.sparseInitializer: object expected');
                  message.sparseInitializer[i] = $root.onnx.SparseTensorProto.fromObject(
                    object.sparseInitializer[i],
                  );
                }
              }
              if (
                (object.docString != null && (message.docString = String(object.docString)), object.input)
              ) {
                if (!Array.isArray(object.input)) throw TypeError('.onnx.GraphProto.input: array expected');
                message.input = [];
                for (var i = 0; i < object.input.length; ++i) {
                  if (typeof object.input[i] != 'object')
                    throw TypeError('.onnx.GraphProto.input: object expected');
                  message.input[i] = $root.onnx.ValueInfoProto.fromObject(object.input[i]);
                }
              }
              if (object.output) {
                if (!Array.isArray(object.output)) throw TypeError('.onnx.GraphProto.output: array expected');
                message.output = [];
                for (var i = 0; i < object.output.length; ++i) {
                  if (typeof object.output[i] != 'object')
                    throw TypeError('.onnx.GraphProto.output: object expected');
                  message.output[i] = $root.onnx.ValueInfoProto.fromObject(object.output[i]);
                }
              }
              if (object.valueInfo) {
                if (!Array.isArray(object.valueInfo))
                  throw TypeError('.onnx.GraphProto.valueInfo: array expected');
                message.valueInfo = [];
                for (var i = 0; i < object.valueInfo.length; ++i) {
                  if (typeof object.valueInfo[i] != 'object')
                    throw TypeError('.onnx.GraphProto.valueInfo: object expected');
                  message.valueInfo[i] = $root.onnx.ValueInfoProto.fromObject(object.valueInfo[i]);
                }
              }
              if (object.quantizationAnnotation) {
                if (!Array.isArray(object.quantizationAnnotation))
                  throw TypeError('.onnx.GraphProto.quantizationAnnotation: array expected');
                message.quantizationAnnotation = [];
                for (var i = 0; i < object.quantizationAnnotation.length; ++i) {
                  if (typeof object.quantizationAnnotation[i] != 'object')
                    throw TypeError('.onnx.GraphProto.quantizationAnnotation: object expected');
                  message.quantizationAnnotation[i] = $root.onnx.TensorAnnotation.fromObject(
                    object.quantizationAnnotation[i],
                  );
                }
              }
              return message;
            }),
            (GraphProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.node = []),
                  (object.initializer = []),
                  (object.input = []),
                  (object.output = []),
                  (object.valueInfo = []),
                  (object.quantizationAnnotation = []),
                  (object.sparseInitializer = [])),
                options.defaults && ((object.name = ''), (object.docString = '')),
                message.node && message.node.length)
              ) {
                object.node = [];
                for (var j = 0; j < message.node.length; ++j)
                  object.node[j] = $root.onnx.NodeProto.toObject(message.node[j], options);
              }
              if (
                (message.name != null && Object.hasOwn(message, 'name') && (object.name = message.name),
                message.initializer && message.initializer.length)
              ) {
                object.initializer = [];
                for (var j = 0; j < message.initializer.length; ++j)
                  object.initializer[j] = $root.onnx.TensorProto.toObject(message.initializer[j], options);
              }
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                message.input && message.input.length)
              ) {
                object.input = [];
                for (var j = 0; j < message.input.length; ++j)
                  object.input[j] = $root.onnx.ValueInfoProto.toObject(message.input[j], options);
              }
              if (message.output && message.output.length) {
                object.output = [];
                for (var j = 0; j < message.output.length; ++j)
                  object.output[j] = $root.onnx.ValueInfoProto.toObject(message.output[j], options);
              }
              if (message.valueInfo && message.valueInfo.length) {
                object.valueInfo = [];
                for (var j = 0; j < message.valueInfo.length; ++j)
                  object.valueInfo[j] = $root.onnx.ValueInfoProto.toObject(message.valueInfo[j], options);
              }
              if (message.quantizationAnnotation && message.quantizationAnnotation.length) {
                object.quantizationAnnotation = [];
                for (var j = 0; j < message.quantizationAnnotation.length; ++j)
                  object.quantizationAnnotation[j] = $root.onnx.TensorAnnotation.toObject(
                    message.quantizationAnnotation[j],
                    options,
                  );
              }
              if (message.sparseInitializer && message.sparseInitializer.length) {
                object.sparseInitializer = [];
                for (var j = 0; j < message.sparseInitializer.length; ++j)
                  object.sparseInitializer[j] = $root.onnx.SparseTensorProto.toObject(
                    message.sparseInitializer[j],
                    options,
                  );
              }
              return object;
            }),
            (GraphProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            GraphProto
          );
        })()),
        (onnx2.TensorProto = (() => {
          function TensorProto(properties) {
            if (
              ((this.dims = []),
              (this.floatData = []),
              (this.int32Data = []),
              (this.stringData = []),
              (this.int64Data = []),
              (this.externalData = []),
              (this.doubleData = []),
              (this.uint64Data = []),
              properties)
            )
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (TensorProto.prototype.dims = $util.emptyArray),
            (TensorProto.prototype.dataType = 0),
            (TensorProto.prototype.segment = null),
            (TensorProto.prototype.floatData = $util.emptyArray),
            (TensorProto.prototype.int32Data = $util.emptyArray),
            (TensorProto.prototype.stringData = $util.emptyArray),
            (TensorProto.prototype.int64Data = $util.emptyArray),
            (TensorProto.prototype.name = ''),
            (TensorProto.prototype.docString = ''),
            (TensorProto.prototype.rawData = $util.newBuffer([])),
            (TensorProto.prototype.externalData = $util.emptyArray),
            (TensorProto.prototype.dataLocation = 0),
            (TensorProto.prototype.doubleData = $util.emptyArray),
            (TensorProto.prototype.uint64Data = $util.emptyArray),
            (TensorProto.create = (properties) => new TensorProto(properties)),
            (TensorProto.encode = (message, writer) => {
              if ((writer || (writer = $Writer.create()), message.dims != null && message.dims.length)) {
                writer
                  .uint32(
                    /* id 1, wireType 2 =*/
                    10,
                  )
                  .fork();
                for (var i = 0; i < message.dims.length; ++i) writer.int64(message.dims[i]);
                writer.ldelim();
              }
              if (
                (message.dataType != null &&
                  Object.hasOwn(message, 'dataType') &&
                  writer
                    .uint32(
                      /* id 2, wireType 0 =*/
                      16,
                    )
                    .int32(message.dataType),
                message.segment != null &&
                  Object.hasOwn(message, 'segment') &&
                  $root.onnx.TensorProto.Segment.encode(
                    message.segment,
                    writer
                      .uint32(
                        /* id 3, wireType 2 =*/
                        26,
                      )
                      .fork(),
                  ).ldelim(),
                message.floatData != null && message.floatData.length)
              ) {
                writer
                  .uint32(
                    /* id 4, wireType 2 =*/
                    34,
                  )
                  .fork();
                for (var i = 0; i < message.floatData.length; ++i) writer.float(message.floatData[i]);
                writer.ldelim();
              }
              if (message.int32Data != null && message.int32Data.length) {
                writer
                  .uint32(
                    /* id 5, wireType 2 =*/
                    42,
                  )
                  .fork();
                for (var i = 0; i < message.int32Data.length; ++i) writer.int32(message.int32Data[i]);
                writer.ldelim();
              }
              if (message.stringData != null && message.stringData.length)
                for (var i = 0; i < message.stringData.length; ++i)
                  writer
                    .uint32(
                      /* id 6, wireType 2 =*/
                      50,
                    )
                    .bytes(message.stringData[i]);
              if (message.int64Data != null && message.int64Data.length) {
                writer
                  .uint32(
                    /* id 7, wireType 2 =*/
                    58,
                  )
                  .fork();
                for (var i = 0; i < message.int64Data.length; ++i) writer.int64(message.int64Data[i]);
                writer.ldelim();
              }
              if (
                (message.name != null &&
                  Object.hasOwn(message, 'name') &&
                  writer
                    .uint32(
                      /* id 8, wireType 2 =*/
                      66,
                    )
                    .string(message.name),
                message.rawData != null &&
                  Object.hasOwn(message, 'rawData') &&
                  writer
                    .uint32(
                      /* id 9, wireType 2 =*/
                      74,
                    )
                    .bytes(message.rawData),
                message.doubleData != null && message.doubleData.length)
              ) {
                writer
                  .uint32(
                    /* id 10, wireType 2 =*/
                    82,
                  )
                  .fork();
                for (var i = 0; i < message.doubleData.length; ++i) writer.double(message.doubleData[i]);
                writer.ldelim();
              }
              if (message.uint64Data != null && message.uint64Data.length) {
                writer
                  .uint32(
                    /* id 11, wireType 2 =*/
                    90,
                  )
                  .fork();
                for (var i = 0; i < message.uint64Data.length; ++i) writer.uint64(message.uint64Data[i]);
                writer.ldelim();
              }
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  writer
                    .uint32(
                      /* id 12, wireType 2 =*/
                      98,
                    )
                    .string(message.docString),
                message.externalData != null && message.externalData.length)
              )
                for (var i = 0; i < message.externalData.length; ++i)
                  $root.onnx.StringStringEntryProto.encode(
                    message.externalData[i],
                    writer
                      .uint32(
                        /* id 13, wireType 2 =*/
                        106,
                      )
                      .fork(),
                  ).ldelim();
              return (
                message.dataLocation != null &&
                  Object.hasOwn(message, 'dataLocation') &&
                  writer
                    .uint32(
                      /* id 14, wireType 0 =*/
                      112,
                    )
                    .int32(message.dataLocation),
                writer
              );
            }),
            (TensorProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (TensorProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.TensorProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    if (((message.dims && message.dims.length) || (message.dims = []), (tag & 7) === 2))
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.dims.push(reader.int64());
                    else message.dims.push(reader.int64());
                    break;
                  case 2:
                    message.dataType = reader.int32();
                    break;
                  case 3:
                    message.segment = $root.onnx.TensorProto.Segment.decode(reader, reader.uint32());
                    break;
                  case 4:
                    if (
                      ((message.floatData && message.floatData.length) || (message.floatData = []),
                      (tag & 7) === 2)
                    )
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.floatData.push(reader.float());
                    else message.floatData.push(reader.float());
                    break;
                  case 5:
                    if (
                      ((message.int32Data && message.int32Data.length) || (message.int32Data = []),
                      (tag & 7) === 2)
                    )
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.int32Data.push(reader.int32());
                    else message.int32Data.push(reader.int32());
                    break;
                  case 6:
                    (message.stringData && message.stringData.length) || (message.stringData = []),
                      message.stringData.push(reader.bytes());
                    break;
                  case 7:
                    if (
                      ((message.int64Data && message.int64Data.length) || (message.int64Data = []),
                      (tag & 7) === 2)
                    )
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.int64Data.push(reader.int64());
                    else message.int64Data.push(reader.int64());
                    break;
                  case 8:
                    message.name = reader.string();
                    break;
                  case 12:
                    message.docString = reader.string();
                    break;
                  case 9:
                    message.rawData = reader.bytes();
                    break;
                  case 13:
                    (message.externalData && message.externalData.length) || (message.externalData = []),
                      message.externalData.push(
                        $root.onnx.StringStringEntryProto.decode(reader, reader.uint32()),
                      );
                    break;
                  case 14:
                    message.dataLocation = reader.int32();
                    break;
                  case 10:
                    if (
                      ((message.doubleData && message.doubleData.length) || (message.doubleData = []),
                      (tag & 7) === 2)
                    )
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.doubleData.push(reader.double());
                    else message.doubleData.push(reader.double());
                    break;
                  case 11:
                    if (
                      ((message.uint64Data && message.uint64Data.length) || (message.uint64Data = []),
                      (tag & 7) === 2)
                    )
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.uint64Data.push(reader.uint64());
                    else message.uint64Data.push(reader.uint64());
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (TensorProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (TensorProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.dims != null && Object.hasOwn(message, 'dims')) {
                if (!Array.isArray(message.dims)) return 'dims: array expected';
                for (var i = 0; i < message.dims.length; ++i)
                  if (
                    !$util.isInteger(message.dims[i]) &&
                    !(
                      message.dims[i] &&
                      $util.isInteger(message.dims[i].low) &&
                      $util.isInteger(message.dims[i].high)
                    )
                  )
                    return 'dims: integer|Long[] expected';
              }
              if (
                message.dataType != null &&
                Object.hasOwn(message, 'dataType') &&
                !$util.isInteger(message.dataType)
              )
                return 'dataType: integer expected';
              if (message.segment != null && Object.hasOwn(message, 'segment')) {
                var error = $root.onnx.TensorProto.Segment.verify(message.segment);
                if (error) return 'segment.' + error;
              }
              if (message.floatData != null && Object.hasOwn(message, 'floatData')) {
                if (!Array.isArray(message.floatData)) return 'floatData: array expected';
                for (var i = 0; i < message.floatData.length; ++i)
                  if (typeof message.floatData[i] != 'number') return 'floatData: number[] expected';
              }
              if (message.int32Data != null && Object.hasOwn(message, 'int32Data')) {
                if (!Array.isArray(message.int32Data)) return 'int32Data: array expected';
                for (var i = 0; i < message.int32Data.length; ++i)
                  if (!$util.isInteger(message.int32Data[i])) return 'int32Data: integer[] expected';
              }
              if (message.stringData != null && Object.hasOwn(message, 'stringData')) {
                if (!Array.isArray(message.stringData)) return 'stringData: array expected';
                for (var i = 0; i < message.stringData.length; ++i)
                  if (
                    !(
                      (message.stringData[i] && typeof message.stringData[i].length == 'number') ||
                      $util.isString(message.stringData[i])
                    )
                  )
                    return 'stringData: buffer[] expected';
              }
              if (message.int64Data != null && Object.hasOwn(message, 'int64Data')) {
                if (!Array.isArray(message.int64Data)) return 'int64Data: array expected';
                for (var i = 0; i < message.int64Data.length; ++i)
                  if (
                    !$util.isInteger(message.int64Data[i]) &&
                    !(
                      message.int64Data[i] &&
                      $util.isInteger(message.int64Data[i].low) &&
                      $util.isInteger(message.int64Data[i].high)
                    )
                  )
                    return 'int64Data: integer|Long[] expected';
              }
              if (message.name != null && Object.hasOwn(message, 'name') && !$util.isString(message.name))
                return 'name: string expected';
              if (
                message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
              )
                return 'docString: string expected';
              if (
                message.rawData != null &&
                Object.hasOwn(message, 'rawData') &&
                !(
                  (message.rawData && typeof message.rawData.length == 'number') ||
                  $util.isString(message.rawData)
                )
              )
                return 'rawData: buffer expected';
              if (message.externalData != null && Object.hasOwn(message, 'externalData')) {
                if (!Array.isArray(message.externalData)) return 'externalData: array expected';
                for (var i = 0; i < message.externalData.length; ++i) {
                  var error = $root.onnx.StringStringEntryProto.verify(message.externalData[i]);
                  if (error) return 'externalData.' + error;
                }
              }
              if (message.dataLocation != null && Object.hasOwn(message, 'dataLocation'))
                switch (message.dataLocation) {
                  default:
                    return 'dataLocation: enum value expected';
                  case 0:
                  case 1:
                    break;
                }
              if (message.doubleData != null && Object.hasOwn(message, 'doubleData')) {
                if (!Array.isArray(message.doubleData)) return 'doubleData: array expected';
                for (var i = 0; i < message.doubleData.length; ++i)
                  if (typeof message.doubleData[i] != 'number') return 'doubleData: number[] expected';
              }
              if (message.uint64Data != null && Object.hasOwn(message, 'uint64Data')) {
                if (!Array.isArray(message.uint64Data)) return 'uint64Data: array expected';
                for (var i = 0; i < message.uint64Data.length; ++i)
                  if (
                    !$util.isInteger(message.uint64Data[i]) &&
                    !(
                      message.uint64Data[i] &&
                      $util.isInteger(message.uint64Data[i].low) &&
                      $util.isInteger(message.uint64Data[i].high)
                    )
                  )
                    return 'uint64Data: integer|Long[] expected';
              }
              return null;
            }),
            (TensorProto.fromObject = (object) => {
              if (object instanceof $root.onnx.TensorProto) return object;
              var message = new $root.onnx.TensorProto();
              if (object.dims) {
                if (!Array.isArray(object.dims)) throw TypeError('.onnx.TensorProto.dims: array expected');
                message.dims = [];
                for (var i = 0; i < object.dims.length; ++i)
                  $util.Long
                    ? ((message.dims[i] = $util.Long.fromValue(object.dims[i])).unsigned = !1)
                    : typeof object.dims[i] == 'string'
                      ? (message.dims[i] = parseInt(object.dims[i], 10))
                      : typeof object.dims[i] == 'number'
                        ? (message.dims[i] = object.dims[i])
                        : typeof object.dims[i] == 'object' &&
                          (message.dims[i] = new $util.LongBits(
                            object.dims[i].low >>> 0,
                            object.dims[i].high >>> 0,
                          ).toNumber());
              }
              if (
                (object.dataType != null && (message.dataType = object.dataType | 0), object.segment != null)
              ) {
                if (typeof object.segment != 'object')
                  throw TypeError('.onnx.TensorProto.segment: object expected');
                message.segment = $root.onnx.TensorProto.Segment.fromObject(object.segment);
              }
              if (object.floatData) {
                if (!Array.isArray(object.floatData))
                  throw TypeError('.onnx.TensorProto.floatData: array expected');
                message.floatData = [];
                for (var i = 0; i < object.floatData.length; ++i)
                  message.floatData[i] = Number(object.floatData[i]);
              }
              if (object.int32Data) {
                if (!Array.isArray(object.int32Data))
                  throw TypeError('.onnx.TensorProto.int32Data: array expected');
                message.int32Data = [];
                for (var i = 0; i < object.int32Data.length; ++i)
                  message.int32Data[i] = object.int32Data[i] | 0;
              }
              if (object.stringData) {
                if (!Array.isArray(object.stringData))
                  throw TypeError('.onnx.TensorProto.stringData: array expected');
                message.stringData = [];
                for (var i = 0; i < object.stringData.length; ++i)
                  typeof object.stringData[i] == 'string'
                    ? $util.base64.decode(
                        object.stringData[i],
                        (message.stringData[i] = $util.newBuffer($util.base64.length(object.stringData[i]))),
                        0,
                      )
                    : object.stringData[i].length && (message.stringData[i] = object.stringData[i]);
              }
              if (object.int64Data) {
                if (!Array.isArray(object.int64Data))
                  throw TypeError('.onnx.TensorProto.int64Data: array expected');
                message.int64Data = [];
                for (var i = 0; i < object.int64Data.length; ++i)
                  $util.Long
                    ? ((message.int64Data[i] = $util.Long.fromValue(object.int64Data[i])).unsigned = !1)
                    : typeof object.int64Data[i] == 'string'
                      ? (message.int64Data[i] = parseInt(object.int64Data[i], 10))
                      : typeof object.int64Data[i] == 'number'
                        ? (message.int64Data[i] = object.int64Data[i])
                        : typeof object.int64Data[i] == 'object' &&
                          (message.int64Data[i] = new $util.LongBits(
                            object.int64Data[i].low >>> 0,
                            object.int64Data[i].high >>> 0,
                          ).toNumber());
              }
              if (
                (object.name != null && (message.name = String(object.name)),
                object.docString != null && (message.docString = String(object.docString)),
                object.rawData != null &&
                  (typeof object.rawData == 'string'
                    ? $util.base64.decode(
                        object.rawData,
                        (message.rawData = $util.newBuffer($util.base64.length(object.rawData))),
                        0,
                      )
                    : object.rawData.length && (message.rawData = object.rawData)),
                object.externalData)
              ) {
                if (!Array.isArray(object.externalData))
                  throw TypeError('.onnx.TensorProto.externalData: array expected');
                message.externalData = [];
                for (var i = 0; i < object.externalData.length; ++i) {
                  if (typeof object.externalData[i] != 'object')
                    throw TypeError('.onnx.TensorProto.externalData: object expected');
                  message.externalData[i] = $root.onnx.StringStringEntryProto.fromObject(
                    object.externalData[i],
                  );
                }
              }
              switch (object.dataLocation) {
                case 'DEFAULT':
                case 0:
                  message.dataLocation = 0;
                  break;
                case 'EXTERNAL':
                case 1:
                  message.dataLocation = 1;
                  break;
              }
              if (object.doubleData) {
                if (!Array.isArray(object.doubleData))
                  throw TypeError('.onnx.TensorProto.doubleData: array expected');
                message.doubleData = [];
                for (var i = 0; i < object.doubleData.length; ++i)
                  message.doubleData[i] = Number(object.doubleData[i]);
              }
              if (object.uint64Data) {
                if (!Array.isArray(object.uint64Data))
                  throw TypeError('.onnx.TensorProto.uint64Data: array expected');
                message.uint64Data = [];
                for (var i = 0; i < object.uint64Data.length; ++i)
                  $util.Long
                    ? ((message.uint64Data[i] = $util.Long.fromValue(object.uint64Data[i])).unsigned = !0)
                    : typeof object.uint64Data[i] == 'string'
                      ? (message.uint64Data[i] = parseInt(object.uint64Data[i], 10))
                      : typeof object.uint64Data[i] == 'number'
                        ? (message.uint64Data[i] = object.uint64Data[i])
                        : typeof object.uint64Data[i] == 'object' &&
                          (message.uint64Data[i] = new $util.LongBits(
                            object.uint64Data[i].low >>> 0,
                            object.uint64Data[i].high >>> 0,
                          ).toNumber(!0));
              }
              return message;
            }),
            (TensorProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.dims = []),
                  (object.floatData = []),
                  (object.int32Data = []),
                  (object.stringData = []),
                  (object.int64Data = []),
                  (object.doubleData = []),
                  (object.uint64Data = []),
                  (object.externalData = [])),
                options.defaults &&
                  ((object.dataType = 0),
                  (object.segment = null),
                  (object.name = ''),
                  options.bytes === String
                    ? (object.rawData = '')
                    : ((object.rawData = []),
                      options.bytes !== Array && (object.rawData = $util.newBuffer(object.rawData))),
                  (object.docString = ''),
                  (object.dataLocation = options.enums === String ? 'DEFAULT' : 0)),
                message.dims && message.dims.length)
              ) {
                object.dims = [];
                for (var j = 0; j < message.dims.length; ++j)
                  typeof message.dims[j] == 'number'
                    ? (object.dims[j] = options.longs === String ? String(message.dims[j]) : message.dims[j])
                    : (object.dims[j] =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.dims[j])
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.dims[j].low >>> 0,
                                message.dims[j].high >>> 0,
                              ).toNumber()
                            : message.dims[j]);
              }
              if (
                (message.dataType != null &&
                  Object.hasOwn(message, 'dataType') &&
                  (object.dataType = message.dataType),
                message.segment != null &&
                  Object.hasOwn(message, 'segment') &&
                  (object.segment = $root.onnx.TensorProto.Segment.toObject(message.segment, options)),
                message.floatData && message.floatData.length)
              ) {
                object.floatData = [];
                for (var j = 0; j < message.floatData.length; ++j)
                  object.floatData[j] =
                    options.json && !isFinite(message.floatData[j])
                      ? String(message.floatData[j])
                      : message.floatData[j];
              }
              if (message.int32Data && message.int32Data.length) {
                object.int32Data = [];
                for (var j = 0; j < message.int32Data.length; ++j) object.int32Data[j] = message.int32Data[j];
              }
              if (message.stringData && message.stringData.length) {
                object.stringData = [];
                for (var j = 0; j < message.stringData.length; ++j)
                  object.stringData[j] =
                    options.bytes === String
                      ? $util.base64.encode(message.stringData[j], 0, message.stringData[j].length)
                      : options.bytes === Array
                        ? Array.prototype.slice.call(message.stringData[j])
                        : message.stringData[j];
              }
              if (message.int64Data && message.int64Data.length) {
                object.int64Data = [];
                for (var j = 0; j < message.int64Data.length; ++j)
                  typeof message.int64Data[j] == 'number'
                    ? (object.int64Data[j] =
                        options.longs === String ? String(message.int64Data[j]) : message.int64Data[j])
                    : (object.int64Data[j] =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.int64Data[j])
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.int64Data[j].low >>> 0,
                                message.int64Data[j].high >>> 0,
                              ).toNumber()
                            : message.int64Data[j]);
              }
              if (
                (message.name != null && Object.hasOwn(message, 'name') && (object.name = message.name),
                message.rawData != null &&
                  Object.hasOwn(message, 'rawData') &&
                  (object.rawData =
                    options.bytes === String
                      ? $util.base64.encode(message.rawData, 0, message.rawData.length)
                      : options.bytes === Array
                        ? Array.prototype.slice.call(message.rawData)
                        : message.rawData),
                message.doubleData && message.doubleData.length)
              ) {
                object.doubleData = [];
                for (var j = 0; j < message.doubleData.length; ++j)
                  object.doubleData[j] =
                    options.json && !isFinite(message.doubleData[j])
                      ? String(message.doubleData[j])
                      : message.doubleData[j];
              }
              if (message.uint64Data && message.uint64Data.length) {
                object.uint64Data = [];
                for (var j = 0; j < message.uint64Data.length; ++j)
                  typeof message.uint64Data[j] == 'number'
                    ? (object.uint64Data[j] =
                        options.longs === String ? String(message.uint64Data[j]) : message.uint64Data[j])
                    : (object.uint64Data[j] =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.uint64Data[j])
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.uint64Data[j].low >>> 0,
                                message.uint64Data[j].high >>> 0,
                              ).toNumber(!0)
                            : message.uint64Data[j]);
              }
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                message.externalData && message.externalData.length)
              ) {
                object.externalData = [];
                for (var j = 0; j < message.externalData.length; ++j)
                  object.externalData[j] = $root.onnx.StringStringEntryProto.toObject(
                    message.externalData[j],
                    options,
                  );
              }
              return (
                message.dataLocation != null &&
                  Object.hasOwn(message, 'dataLocation') &&
                  (object.dataLocation =
                    options.enums === String
                      ? $root.onnx.TensorProto.DataLocation[message.dataLocation]
                      : message.dataLocation),
                object
              );
            }),
            (TensorProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            (TensorProto.DataType = (() => {
              var valuesById = {},
                values = Object.create(valuesById);
              return (
                (values[(valuesById[0] = 'UNDEFINED')] = 0),
                (values[(valuesById[1] = 'FLOAT')] = 1),
                (values[(valuesById[2] = 'UINT8')] = 2),
                (values[(valuesById[3] = 'INT8')] = 3),
                (values[(valuesById[4] = 'UINT16')] = 4),
                (values[(valuesById[5] = 'INT16')] = 5),
                (values[(valuesById[6] = 'INT32')] = 6),
                (values[(valuesById[7] = 'INT64')] = 7),
                (values[(valuesById[8] = 'STRING')] = 8),
                (values[(valuesById[9] = 'BOOL')] = 9),
                (values[(valuesById[10] = 'FLOAT16')] = 10),
                (values[(valuesById[11] = 'DOUBLE')] = 11),
                (values[(valuesById[12] = 'UINT32')] = 12),
                (values[(valuesById[13] = 'UINT64')] = 13),
                (values[(valuesById[14] = 'COMPLEX64')] = 14),
                (values[(valuesById[15] = 'COMPLEX128')] = 15),
                (values[(valuesById[16] = 'BFLOAT16')] = 16),
                values
              );
            })()),
            (TensorProto.Segment = (() => {
              function Segment(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              return (
                (Segment.prototype.begin = $util.Long ? $util.Long.fromBits(0, 0, !1) : 0),
                (Segment.prototype.end = $util.Long ? $util.Long.fromBits(0, 0, !1) : 0),
                (Segment.create = (properties) => new Segment(properties)),
                (Segment.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.begin != null &&
                    Object.hasOwn(message, 'begin') &&
                    writer
                      .uint32(
                        /* id 1, wireType 0 =*/
                        8,
                      )
                      .int64(message.begin),
                  message.end != null &&
                    Object.hasOwn(message, 'end') &&
                    writer
                      .uint32(
                        /* id 2, wireType 0 =*/
                        16,
                      )
                      .int64(message.end),
                  writer
                )),
                (Segment.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (Segment.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TensorProto.Segment();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    switch (tag >>> 3) {
                      case 1:
                        message.begin = reader.int64();
                        break;
                      case 2:
                        message.end = reader.int64();
                        break;
                      default:
                        reader.skipType(tag & 7);
                        break;
                    }
                  }
                  return message;
                }),
                (Segment.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (Segment.verify = (message) =>
                  typeof message != 'object' || message === null
                    ? 'object expected'
                    : message.begin != null &&
                        Object.hasOwn(message, 'begin') &&
                        !$util.isInteger(message.begin) &&
                        !(
                          message.begin &&
                          $util.isInteger(message.begin.low) &&
                          $util.isInteger(message.begin.high)
                        )
                      ? 'begin: integer|Long expected'
                      : message.end != null &&
                          Object.hasOwn(message, 'end') &&
                          !$util.isInteger(message.end) &&
                          !(
                            message.end &&
                            $util.isInteger(message.end.low) &&
                            $util.isInteger(message.end.high)
                          )
                        ? 'end: integer|Long expected'
                        : null),
                (Segment.fromObject = (object) => {
                  if (object instanceof $root.onnx.TensorProto.Segment) return object;
                  var message = new $root.onnx.TensorProto.Segment();
                  return (
                    object.begin != null &&
                      ($util.Long
                        ? ((message.begin = $util.Long.fromValue(object.begin)).unsigned = !1)
                        : typeof object.begin == 'string'
                          ? (message.begin = parseInt(object.begin, 10))
                          : typeof object.begin == 'number'
                            ? (message.begin = object.begin)
                            : typeof object.begin == 'object' &&
                              (message.begin = new $util.LongBits(
                                object.begin.low >>> 0,
                                object.begin.high >>> 0,
                              ).toNumber())),
                    object.end != null &&
                      ($util.Long
                        ? ((message.end = $util.Long.fromValue(object.end)).unsigned = !1)
                        : typeof object.end == 'string'
                          ? (message.end = parseInt(object.end, 10))
                          : typeof object.end == 'number'
                            ? (message.end = object.end)
                            : typeof object.end == 'object' &&
                              (message.end = new $util.LongBits(
                                object.end.low >>> 0,
                                object.end.high >>> 0,
                              ).toNumber())),
                    message
                  );
                }),
                (Segment.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  if (options.defaults) {
                    if ($util.Long) {
                      var long = new $util.Long(0, 0, !1);
                      object.begin =
                        options.longs === String
                          ? long.toString()
                          : options.longs === Number
                            ? long.toNumber()
                            : long;
                    } else object.begin = options.longs === String ? '0' : 0;
                    if ($util.Long) {
                      var long = new $util.Long(0, 0, !1);
                      object.end =
                        options.longs === String
                          ? long.toString()
                          : options.longs === Number
                            ? long.toNumber()
                            : long;
                    } else object.end = options.longs === String ? '0' : 0;
                  }
                  return (
                    message.begin != null &&
                      Object.hasOwn(message, 'begin') &&
                      (typeof message.begin == 'number'
                        ? (object.begin = options.longs === String ? String(message.begin) : message.begin)
                        : (object.begin =
                            options.longs === String
                              ? $util.Long.prototype.toString.call(message.begin)
                              : options.longs === Number
                                ? new $util.LongBits(
                                    message.begin.low >>> 0,
                                    message.begin.high >>> 0,
                                  ).toNumber()
                                : message.begin)),
                    message.end != null &&
                      Object.hasOwn(message, 'end') &&
                      (typeof message.end == 'number'
                        ? (object.end = options.longs === String ? String(message.end) : message.end)
                        : (object.end =
                            options.longs === String
                              ? $util.Long.prototype.toString.call(message.end)
                              : options.longs === Number
                                ? new $util.LongBits(message.end.low >>> 0, message.end.high >>> 0).toNumber()
                                : message.end)),
                    object
                  );
                }),
                (Segment.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                Segment
              );
            })()),
            (TensorProto.DataLocation = (() => {
              var valuesById = {},
                values = Object.create(valuesById);
              return (
                (values[(valuesById[0] = 'DEFAULT')] = 0), (values[(valuesById[1] = 'EXTERNAL')] = 1), values
              );
            })()),
            TensorProto
          );
        })()),
        (onnx2.SparseTensorProto = (() => {
          function SparseTensorProto(properties) {
            if (((this.dims = []), properties))
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (SparseTensorProto.prototype.values = null),
            (SparseTensorProto.prototype.indices = null),
            (SparseTensorProto.prototype.dims = $util.emptyArray),
            (SparseTensorProto.create = (properties) => new SparseTensorProto(properties)),
            (SparseTensorProto.encode = (message, writer) => {
              if (
                (writer || (writer = $Writer.create()),
                message.values != null &&
                  Object.hasOwn(message, 'values') &&
                  $root.onnx.TensorProto.encode(
                    message.values,
                    writer
                      .uint32(
                        /* id 1, wireType 2 =*/
                        10,
                      )
                      .fork(),
                  ).ldelim(),
                message.indices != null &&
                  Object.hasOwn(message, 'indices') &&
                  $root.onnx.TensorProto.encode(
                    message.indices,
                    writer
                      .uint32(
                        /* id 2, wireType 2 =*/
                        18,
                      )
                      .fork(),
                  ).ldelim(),
                message.dims != null && message.dims.length)
              ) {
                writer
                  .uint32(
                    /* id 3, wireType 2 =*/
                    26,
                  )
                  .fork();
                for (var i = 0; i < message.dims.length; ++i) writer.int64(message.dims[i]);
                writer.ldelim();
              }
              return writer;
            }),
            (SparseTensorProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (SparseTensorProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.SparseTensorProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.values = $root.onnx.TensorProto.decode(reader, reader.uint32());
                    break;
                  case 2:
                    message.indices = $root.onnx.TensorProto.decode(reader, reader.uint32());
                    break;
                  case 3:
                    if (((message.dims && message.dims.length) || (message.dims = []), (tag & 7) === 2))
                      for (var end2 = reader.uint32() + reader.pos; reader.pos < end2; )
                        message.dims.push(reader.int64());
                    else message.dims.push(reader.int64());
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (SparseTensorProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (SparseTensorProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.values != null && Object.hasOwn(message, 'values')) {
                var error = $root.onnx.TensorProto.verify(message.values);
                if (error) return 'values.' + error;
              }
              if (message.indices != null && Object.hasOwn(message, 'indices')) {
                var error = $root.onnx.TensorProto.verify(message.indices);
                if (error) return 'indices.' + error;
              }
              if (message.dims != null && Object.hasOwn(message, 'dims')) {
                if (!Array.isArray(message.dims)) return 'dims: array expected';
                for (var i = 0; i < message.dims.length; ++i)
                  if (
                    !$util.isInteger(message.dims[i]) &&
                    !(
                      message.dims[i] &&
                      $util.isInteger(message.dims[i].low) &&
                      $util.isInteger(message.dims[i].high)
                    )
                  )
                    return 'dims: integer|Long[] expected';
              }
              return null;
            }),
            (SparseTensorProto.fromObject = (object) => {
              if (object instanceof $root.onnx.SparseTensorProto) return object;
              var message = new $root.onnx.SparseTensorProto();
              if (object.values != null) {
                if (typeof object.values != 'object')
                  throw TypeError('.onnx.SparseTensorProto.values: object expected');
                message.values = $root.onnx.TensorProto.fromObject(object.values);
              }
              if (object.indices != null) {
                if (typeof object.indices != 'object')
                  throw TypeError('.onnx.SparseTensorProto.indices: object expected');
                message.indices = $root.onnx.TensorProto.fromObject(object.indices);
              }
              if (object.dims) {
                if (!Array.isArray(object.dims))
                  throw TypeError('.onnx.SparseTensorProto.dims: array expected');
                message.dims = [];
                for (var i = 0; i < object.dims.length; ++i)
                  $util.Long
                    ? ((message.dims[i] = $util.Long.fromValue(object.dims[i])).unsigned = !1)
                    : typeof object.dims[i] == 'string'
                      ? (message.dims[i] = parseInt(object.dims[i], 10))
                      : typeof object.dims[i] == 'number'
                        ? (message.dims[i] = object.dims[i])
                        : typeof object.dims[i] == 'object' &&
                          (message.dims[i] = new $util.LongBits(
                            object.dims[i].low >>> 0,
                            object.dims[i].high >>> 0,
                          ).toNumber());
              }
              return message;
            }),
            (SparseTensorProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) && (object.dims = []),
                options.defaults && ((object.values = null), (object.indices = null)),
                message.values != null &&
                  Object.hasOwn(message, 'values') &&
                  (object.values = $root.onnx.TensorProto.toObject(message.values, options)),
                message.indices != null &&
                  Object.hasOwn(message, 'indices') &&
                  (object.indices = $root.onnx.TensorProto.toObject(message.indices, options)),
                message.dims && message.dims.length)
              ) {
                object.dims = [];
                for (var j = 0; j < message.dims.length; ++j)
                  typeof message.dims[j] == 'number'
                    ? (object.dims[j] = options.longs === String ? String(message.dims[j]) : message.dims[j])
                    : (object.dims[j] =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.dims[j])
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.dims[j].low >>> 0,
                                message.dims[j].high >>> 0,
                              ).toNumber()
                            : message.dims[j]);
              }
              return object;
            }),
            (SparseTensorProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            SparseTensorProto
          );
        })()),
        (onnx2.TensorShapeProto = (() => {
          function TensorShapeProto(properties) {
            if (((this.dim = []), properties))
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (TensorShapeProto.prototype.dim = $util.emptyArray),
            (TensorShapeProto.create = (properties) => new TensorShapeProto(properties)),
            (TensorShapeProto.encode = (message, writer) => {
              if ((writer || (writer = $Writer.create()), message.dim != null && message.dim.length))
                for (var i = 0; i < message.dim.length; ++i)
                  $root.onnx.TensorShapeProto.Dimension.encode(
                    message.dim[i],
                    writer
                      .uint32(
                        /* id 1, wireType 2 =*/
                        10,
                      )
                      .fork(),
                  ).ldelim();
              return writer;
            }),
            (TensorShapeProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (TensorShapeProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.TensorShapeProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                tag >>> 3 === 1
                  ? ((message.dim && message.dim.length) || (message.dim = []),
                    message.dim.push($root.onnx.TensorShapeProto.Dimension.decode(reader, reader.uint32())))
                  : reader.skipType(tag & 7);
              }
              return message;
            }),
            (TensorShapeProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (TensorShapeProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.dim != null && Object.hasOwn(message, 'dim')) {
                if (!Array.isArray(message.dim)) return 'dim: array expected';
                for (var i = 0; i < message.dim.length; ++i) {
                  var error = $root.onnx.TensorShapeProto.Dimension.verify(message.dim[i]);
                  if (error) return 'dim.' + error;
                }
              }
              return null;
            }),
            (TensorShapeProto.fromObject = (object) => {
              if (object instanceof $root.onnx.TensorShapeProto) return object;
              var message = new $root.onnx.TensorShapeProto();
              if (object.dim) {
                if (!Array.isArray(object.dim)) throw TypeError('.onnx.TensorShapeProto.dim: array expected');
                message.dim = [];
                for (var i = 0; i < object.dim.length; ++i) {
                  if (typeof object.dim[i] != 'object')
                    throw TypeError('.onnx.TensorShapeProto.dim: object expected');
                  message.dim[i] = $root.onnx.TensorShapeProto.Dimension.fromObject(object.dim[i]);
                }
              }
              return message;
            }),
            (TensorShapeProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) && (object.dim = []), message.dim && message.dim.length)
              ) {
                object.dim = [];
                for (var j = 0; j < message.dim.length; ++j)
                  object.dim[j] = $root.onnx.TensorShapeProto.Dimension.toObject(message.dim[j], options);
              }
              return object;
            }),
            (TensorShapeProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            (TensorShapeProto.Dimension = (() => {
              function Dimension(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              (Dimension.prototype.dimValue = null),
                (Dimension.prototype.dimParam = null),
                (Dimension.prototype.denotation = '');
              var $oneOfFields;
              return (
                Object.defineProperty(Dimension.prototype, 'value', {
                  get: $util.oneOfGetter(($oneOfFields = ['dimValue', 'dimParam'])),
                  set: $util.oneOfSetter($oneOfFields),
                }),
                (Dimension.create = (properties) => new Dimension(properties)),
                (Dimension.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.dimValue != null &&
                    Object.hasOwn(message, 'dimValue') &&
                    writer
                      .uint32(
                        /* id 1, wireType 0 =*/
                        8,
                      )
                      .int64(message.dimValue),
                  message.dimParam != null &&
                    Object.hasOwn(message, 'dimParam') &&
                    writer
                      .uint32(
                        /* id 2, wireType 2 =*/
                        18,
                      )
                      .string(message.dimParam),
                  message.denotation != null &&
                    Object.hasOwn(message, 'denotation') &&
                    writer
                      .uint32(
                        /* id 3, wireType 2 =*/
                        26,
                      )
                      .string(message.denotation),
                  writer
                )),
                (Dimension.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (Dimension.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TensorShapeProto.Dimension();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    switch (tag >>> 3) {
                      case 1:
                        message.dimValue = reader.int64();
                        break;
                      case 2:
                        message.dimParam = reader.string();
                        break;
                      case 3:
                        message.denotation = reader.string();
                        break;
                      default:
                        reader.skipType(tag & 7);
                        break;
                    }
                  }
                  return message;
                }),
                (Dimension.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (Dimension.verify = (message) => {
                  if (typeof message != 'object' || message === null) return 'object expected';
                  var properties = {};
                  if (
                    message.dimValue != null &&
                    Object.hasOwn(message, 'dimValue') &&
                    ((properties.value = 1),
                    !$util.isInteger(message.dimValue) &&
                      !(
                        message.dimValue &&
                        $util.isInteger(message.dimValue.low) &&
                        $util.isInteger(message.dimValue.high)
                      ))
                  )
                    return 'dimValue: integer|Long expected';
                  if (message.dimParam != null && Object.hasOwn(message, 'dimParam')) {
                    if (properties.value === 1) return 'value: multiple values';
                    if (((properties.value = 1), !$util.isString(message.dimParam)))
                      return 'dimParam: string expected';
                  }
                  return message.denotation != null &&
                    Object.hasOwn(message, 'denotation') &&
                    !$util.isString(message.denotation)
                    ? 'denotation: string expected'
                    : null;
                }),
                (Dimension.fromObject = (object) => {
                  if (object instanceof $root.onnx.TensorShapeProto.Dimension) return object;
                  var message = new $root.onnx.TensorShapeProto.Dimension();
                  return (
                    object.dimValue != null &&
                      ($util.Long
                        ? ((message.dimValue = $util.Long.fromValue(object.dimValue)).unsigned = !1)
                        : typeof object.dimValue == 'string'
                          ? (message.dimValue = parseInt(object.dimValue, 10))
                          : typeof object.dimValue == 'number'
                            ? (message.dimValue = object.dimValue)
                            : typeof object.dimValue == 'object' &&
                              (message.dimValue = new $util.LongBits(
                                object.dimValue.low >>> 0,
                                object.dimValue.high >>> 0,
                              ).toNumber())),
                    object.dimParam != null && (message.dimParam = String(object.dimParam)),
                    object.denotation != null && (message.denotation = String(object.denotation)),
                    message
                  );
                }),
                (Dimension.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  return (
                    options.defaults && (object.denotation = ''),
                    message.dimValue != null &&
                      Object.hasOwn(message, 'dimValue') &&
                      (typeof message.dimValue == 'number'
                        ? (object.dimValue =
                            options.longs === String ? String(message.dimValue) : message.dimValue)
                        : (object.dimValue =
                            options.longs === String
                              ? $util.Long.prototype.toString.call(message.dimValue)
                              : options.longs === Number
                                ? new $util.LongBits(
                                    message.dimValue.low >>> 0,
                                    message.dimValue.high >>> 0,
                                  ).toNumber()
                                : message.dimValue),
                      options.oneofs && (object.value = 'dimValue')),
                    message.dimParam != null &&
                      Object.hasOwn(message, 'dimParam') &&
                      ((object.dimParam = message.dimParam), options.oneofs && (object.value = 'dimParam')),
                    message.denotation != null &&
                      Object.hasOwn(message, 'denotation') &&
                      (object.denotation = message.denotation),
                    object
                  );
                }),
                (Dimension.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                Dimension
              );
            })()),
            TensorShapeProto
          );
        })()),
        (onnx2.TypeProto = (() => {
          function TypeProto(properties) {
            if (properties)
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          (TypeProto.prototype.tensorType = null),
            (TypeProto.prototype.sequenceType = null),
            (TypeProto.prototype.mapType = null),
            (TypeProto.prototype.optionalType = null),
            (TypeProto.prototype.sparseTensorType = null),
            (TypeProto.prototype.denotation = '');
          var $oneOfFields;
          return (
            Object.defineProperty(TypeProto.prototype, 'value', {
              get: $util.oneOfGetter(
                ($oneOfFields = [
                  'tensorType',
                  'sequenceType',
                  'mapType',
                  'optionalType',
                  'sparseTensorType',
                ]),
              ),
              set: $util.oneOfSetter($oneOfFields),
            }),
            (TypeProto.create = (properties) => new TypeProto(properties)),
            (TypeProto.encode = (message, writer) => (
              writer || (writer = $Writer.create()),
              message.tensorType != null &&
                Object.hasOwn(message, 'tensorType') &&
                $root.onnx.TypeProto.Tensor.encode(
                  message.tensorType,
                  writer
                    .uint32(
                      /* id 1, wireType 2 =*/
                      10,
                    )
                    .fork(),
                ).ldelim(),
              message.sequenceType != null &&
                Object.hasOwn(message, 'sequenceType') &&
                $root.onnx.TypeProto.Sequence.encode(
                  message.sequenceType,
                  writer
                    .uint32(
                      /* id 4, wireType 2 =*/
                      34,
                    )
                    .fork(),
                ).ldelim(),
              message.mapType != null &&
                Object.hasOwn(message, 'mapType') &&
                $root.onnx.TypeProto.Map.encode(
                  message.mapType,
                  writer
                    .uint32(
                      /* id 5, wireType 2 =*/
                      42,
                    )
                    .fork(),
                ).ldelim(),
              message.denotation != null &&
                Object.hasOwn(message, 'denotation') &&
                writer
                  .uint32(
                    /* id 6, wireType 2 =*/
                    50,
                  )
                  .string(message.denotation),
              message.sparseTensorType != null &&
                Object.hasOwn(message, 'sparseTensorType') &&
                $root.onnx.TypeProto.SparseTensor.encode(
                  message.sparseTensorType,
                  writer
                    .uint32(
                      /* id 8, wireType 2 =*/
                      66,
                    )
                    .fork(),
                ).ldelim(),
              message.optionalType != null &&
                Object.hasOwn(message, 'optionalType') &&
                $root.onnx.TypeProto.Optional.encode(
                  message.optionalType,
                  writer
                    .uint32(
                      /* id 9, wireType 2 =*/
                      74,
                    )
                    .fork(),
                ).ldelim(),
              writer
            )),
            (TypeProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (TypeProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.TypeProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.tensorType = $root.onnx.TypeProto.Tensor.decode(reader, reader.uint32());
                    break;
                  case 4:
                    message.sequenceType = $root.onnx.TypeProto.Sequence.decode(reader, reader.uint32());
                    break;
                  case 5:
                    message.mapType = $root.onnx.TypeProto.Map.decode(reader, reader.uint32());
                    break;
                  case 9:
                    message.optionalType = $root.onnx.TypeProto.Optional.decode(reader, reader.uint32());
                    break;
                  case 8:
                    message.sparseTensorType = $root.onnx.TypeProto.SparseTensor.decode(
                      reader,
                      reader.uint32(),
                    );
                    break;
                  case 6:
                    message.denotation = reader.string();
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (TypeProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (TypeProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              var properties = {};
              if (message.tensorType != null && Object.hasOwn(message, 'tensorType')) {
                properties.value = 1;
                var error = $root.onnx.TypeProto.Tensor.verify(message.tensorType);
                if (error) return 'tensorType.' + error;
              }
              if (message.sequenceType != null && Object.hasOwn(message, 'sequenceType')) {
                if (properties.value === 1) return 'value: multiple values';
                properties.value = 1;
                var error = $root.onnx.TypeProto.Sequence.verify(message.sequenceType);
                if (error) return 'sequenceType.' + error;
              }
              if (message.mapType != null && Object.hasOwn(message, 'mapType')) {
                if (properties.value === 1) return 'value: multiple values';
                properties.value = 1;
                var error = $root.onnx.TypeProto.Map.verify(message.mapType);
                if (error) return 'mapType.' + error;
              }
              if (message.optionalType != null && Object.hasOwn(message, 'optionalType')) {
                if (properties.value === 1) return 'value: multiple values';
                properties.value = 1;
                var error = $root.onnx.TypeProto.Optional.verify(message.optionalType);
                if (error) return 'optionalType.' + error;
              }
              if (message.sparseTensorType != null && Object.hasOwn(message, 'sparseTensorType')) {
                if (properties.value === 1) return 'value: multiple values';
                properties.value = 1;
                var error = $root.onnx.TypeProto.SparseTensor.verify(message.sparseTensorType);
                if (error) return 'sparseTensorType.' + error;
              }
              return message.denotation != null &&
                Object.hasOwn(message, 'denotation') &&
                !$util.isString(message.denotation)
                ? 'denotation: string expected'
                : null;
            }),
            (TypeProto.fromObject = (object) => {
              if (object instanceof $root.onnx.TypeProto) return object;
              var message = new $root.onnx.TypeProto();
              if (object.tensorType != null) {
                if (typeof object.tensorType != 'object')
                  throw TypeError('.onnx.TypeProto.tensorType: object expected');
                message.tensorType = $root.onnx.TypeProto.Tensor.fromObject(object.tensorType);
              }
              if (object.sequenceType != null) {
                if (typeof object.sequenceType != 'object')
                  throw TypeError('.onnx.TypeProto.sequenceType: object expected');
                message.sequenceType = $root.onnx.TypeProto.Sequence.fromObject(object.sequenceType);
              }
              if (object.mapType != null) {
                if (typeof object.mapType != 'object')
                  throw TypeError('.onnx.TypeProto.mapType: object expected');
                message.mapType = $root.onnx.TypeProto.Map.fromObject(object.mapType);
              }
              if (object.optionalType != null) {
                if (typeof object.optionalType != 'object')
                  throw TypeError('.onnx.TypeProto.optionalType: object expected');
                message.optionalType = $root.onnx.TypeProto.Optional.fromObject(object.optionalType);
              }
              if (object.sparseTensorType != null) {
                if (typeof object.sparseTensorType != 'object')
                  throw TypeError('.onnx.TypeProto.sparseTensorType: object expected');
                message.sparseTensorType = $root.onnx.TypeProto.SparseTensor.fromObject(
                  object.sparseTensorType,
                );
              }
              return (object.denotation != null && (message.denotation = String(object.denotation)), message);
            }),
            (TypeProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              return (
                options.defaults && (object.denotation = ''),
                message.tensorType != null &&
                  Object.hasOwn(message, 'tensorType') &&
                  ((object.tensorType = $root.onnx.TypeProto.Tensor.toObject(message.tensorType, options)),
                  options.oneofs && (object.value = 'tensorType')),
                message.sequenceType != null &&
                  Object.hasOwn(message, 'sequenceType') &&
                  ((object.sequenceType = $root.onnx.TypeProto.Sequence.toObject(
                    message.sequenceType,
                    options,
                  )),
                  options.oneofs && (object.value = 'sequenceType')),
                message.mapType != null &&
                  Object.hasOwn(message, 'mapType') &&
                  ((object.mapType = $root.onnx.TypeProto.Map.toObject(message.mapType, options)),
                  options.oneofs && (object.value = 'mapType')),
                message.denotation != null &&
                  Object.hasOwn(message, 'denotation') &&
                  (object.denotation = message.denotation),
                message.sparseTensorType != null &&
                  Object.hasOwn(message, 'sparseTensorType') &&
                  ((object.sparseTensorType = $root.onnx.TypeProto.SparseTensor.toObject(
                    message.sparseTensorType,
                    options,
                  )),
                  options.oneofs && (object.value = 'sparseTensorType')),
                message.optionalType != null &&
                  Object.hasOwn(message, 'optionalType') &&
                  ((object.optionalType = $root.onnx.TypeProto.Optional.toObject(
                    message.optionalType,
                    options,
                  )),
                  options.oneofs && (object.value = 'optionalType')),
                object
              );
            }),
            (TypeProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            (TypeProto.Tensor = (() => {
              function Tensor(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              return (
                (Tensor.prototype.elemType = 0),
                (Tensor.prototype.shape = null),
                (Tensor.create = (properties) => new Tensor(properties)),
                (Tensor.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.elemType != null &&
                    Object.hasOwn(message, 'elemType') &&
                    writer
                      .uint32(
                        /* id 1, wireType 0 =*/
                        8,
                      )
                      .int32(message.elemType),
                  message.shape != null &&
                    Object.hasOwn(message, 'shape') &&
                    $root.onnx.TensorShapeProto.encode(
                      message.shape,
                      writer
                        .uint32(
                          /* id 2, wireType 2 =*/
                          18,
                        )
                        .fork(),
                    ).ldelim(),
                  writer
                )),
                (Tensor.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (Tensor.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TypeProto.Tensor();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    switch (tag >>> 3) {
                      case 1:
                        message.elemType = reader.int32();
                        break;
                      case 2:
                        message.shape = $root.onnx.TensorShapeProto.decode(reader, reader.uint32());
                        break;
                      default:
                        reader.skipType(tag & 7);
                        break;
                    }
                  }
                  return message;
                }),
                (Tensor.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (Tensor.verify = (message) => {
                  if (typeof message != 'object' || message === null) return 'object expected';
                  if (
                    message.elemType != null &&
                    Object.hasOwn(message, 'elemType') &&
                    !$util.isInteger(message.elemType)
                  )
                    return 'elemType: integer expected';
                  if (message.shape != null && Object.hasOwn(message, 'shape')) {
                    var error = $root.onnx.TensorShapeProto.verify(message.shape);
                    if (error) return 'shape.' + error;
                  }
                  return null;
                }),
                (Tensor.fromObject = (object) => {
                  if (object instanceof $root.onnx.TypeProto.Tensor) return object;
                  var message = new $root.onnx.TypeProto.Tensor();
                  if (
                    (object.elemType != null && (message.elemType = object.elemType | 0),
                    object.shape != null)
                  ) {
                    if (typeof object.shape != 'object')
                      throw TypeError('.onnx.TypeProto.Tensor.shape: object expected');
                    message.shape = $root.onnx.TensorShapeProto.fromObject(object.shape);
                  }
                  return message;
                }),
                (Tensor.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  return (
                    options.defaults && ((object.elemType = 0), (object.shape = null)),
                    message.elemType != null &&
                      Object.hasOwn(message, 'elemType') &&
                      (object.elemType = message.elemType),
                    message.shape != null &&
                      Object.hasOwn(message, 'shape') &&
                      (object.shape = $root.onnx.TensorShapeProto.toObject(message.shape, options)),
                    object
                  );
                }),
                (Tensor.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                Tensor
              );
            })()),
            (TypeProto.Sequence = (() => {
              function Sequence(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              return (
                (Sequence.prototype.elemType = null),
                (Sequence.create = (properties) => new Sequence(properties)),
                (Sequence.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.elemType != null &&
                    Object.hasOwn(message, 'elemType') &&
                    $root.onnx.TypeProto.encode(
                      message.elemType,
                      writer
                        .uint32(
                          /* id 1, wireType 2 =*/
                          10,
                        )
                        .fork(),
                    ).ldelim(),
                  writer
                )),
                (Sequence.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (Sequence.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TypeProto.Sequence();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    tag >>> 3 === 1
                      ? (message.elemType = $root.onnx.TypeProto.decode(reader, reader.uint32()))
                      : reader.skipType(tag & 7);
                  }
                  return message;
                }),
                (Sequence.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (Sequence.verify = (message) => {
                  if (typeof message != 'object' || message === null) return 'object expected';
                  if (message.elemType != null && Object.hasOwn(message, 'elemType')) {
                    var error = $root.onnx.TypeProto.verify(message.elemType);
                    if (error) return 'elemType.' + error;
                  }
                  return null;
                }),
                (Sequence.fromObject = (object) => {
                  if (object instanceof $root.onnx.TypeProto.Sequence) return object;
                  var message = new $root.onnx.TypeProto.Sequence();
                  if (object.elemType != null) {
                    if (typeof object.elemType != 'object')
                      throw TypeError('.onnx.TypeProto.Sequence.elemType: object expected');
                    message.elemType = $root.onnx.TypeProto.fromObject(object.elemType);
                  }
                  return message;
                }),
                (Sequence.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  return (
                    options.defaults && (object.elemType = null),
                    message.elemType != null &&
                      Object.hasOwn(message, 'elemType') &&
                      (object.elemType = $root.onnx.TypeProto.toObject(message.elemType, options)),
                    object
                  );
                }),
                (Sequence.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                Sequence
              );
            })()),
            (TypeProto.Map = (() => {
              function Map2(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              return (
                (Map2.prototype.keyType = 0),
                (Map2.prototype.valueType = null),
                (Map2.create = (properties) => new Map2(properties)),
                (Map2.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.keyType != null &&
                    Object.hasOwn(message, 'keyType') &&
                    writer
                      .uint32(
                        /* id 1, wireType 0 =*/
                        8,
                      )
                      .int32(message.keyType),
                  message.valueType != null &&
                    Object.hasOwn(message, 'valueType') &&
                    $root.onnx.TypeProto.encode(
                      message.valueType,
                      writer
                        .uint32(
                          /* id 2, wireType 2 =*/
                          18,
                        )
                        .fork(),
                    ).ldelim(),
                  writer
                )),
                (Map2.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (Map2.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TypeProto.Map();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    switch (tag >>> 3) {
                      case 1:
                        message.keyType = reader.int32();
                        break;
                      case 2:
                        message.valueType = $root.onnx.TypeProto.decode(reader, reader.uint32());
                        break;
                      default:
                        reader.skipType(tag & 7);
                        break;
                    }
                  }
                  return message;
                }),
                (Map2.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (Map2.verify = (message) => {
                  if (typeof message != 'object' || message === null) return 'object expected';
                  if (
                    message.keyType != null &&
                    Object.hasOwn(message, 'keyType') &&
                    !$util.isInteger(message.keyType)
                  )
                    return 'keyType: integer expected';
                  if (message.valueType != null && Object.hasOwn(message, 'valueType')) {
                    var error = $root.onnx.TypeProto.verify(message.valueType);
                    if (error) return 'valueType.' + error;
                  }
                  return null;
                }),
                (Map2.fromObject = (object) => {
                  if (object instanceof $root.onnx.TypeProto.Map) return object;
                  var message = new $root.onnx.TypeProto.Map();
                  if (
                    (object.keyType != null && (message.keyType = object.keyType | 0),
                    object.valueType != null)
                  ) {
                    if (typeof object.valueType != 'object')
                      throw TypeError('.onnx.TypeProto.Map.valueType: object expected');
                    message.valueType = $root.onnx.TypeProto.fromObject(object.valueType);
                  }
                  return message;
                }),
                (Map2.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  return (
                    options.defaults && ((object.keyType = 0), (object.valueType = null)),
                    message.keyType != null &&
                      Object.hasOwn(message, 'keyType') &&
                      (object.keyType = message.keyType),
                    message.valueType != null &&
                      Object.hasOwn(message, 'valueType') &&
                      (object.valueType = $root.onnx.TypeProto.toObject(message.valueType, options)),
                    object
                  );
                }),
                (Map2.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                Map2
              );
            })()),
            (TypeProto.Optional = (() => {
              function Optional(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              return (
                (Optional.prototype.elemType = null),
                (Optional.create = (properties) => new Optional(properties)),
                (Optional.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.elemType != null &&
                    Object.hasOwn(message, 'elemType') &&
                    $root.onnx.TypeProto.encode(
                      message.elemType,
                      writer
                        .uint32(
                          /* id 1, wireType 2 =*/
                          10,
                        )
                        .fork(),
                    ).ldelim(),
                  writer
                )),
                (Optional.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (Optional.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TypeProto.Optional();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    tag >>> 3 === 1
                      ? (message.elemType = $root.onnx.TypeProto.decode(reader, reader.uint32()))
                      : reader.skipType(tag & 7);
                  }
                  return message;
                }),
                (Optional.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (Optional.verify = (message) => {
                  if (typeof message != 'object' || message === null) return 'object expected';
                  if (message.elemType != null && Object.hasOwn(message, 'elemType')) {
                    var error = $root.onnx.TypeProto.verify(message.elemType);
                    if (error) return 'elemType.' + error;
                  }
                  return null;
                }),
                (Optional.fromObject = (object) => {
                  if (object instanceof $root.onnx.TypeProto.Optional) return object;
                  var message = new $root.onnx.TypeProto.Optional();
                  if (object.elemType != null) {
                    if (typeof object.elemType != 'object')
                      throw TypeError('.onnx.TypeProto.Optional.elemType: object expected');
                    message.elemType = $root.onnx.TypeProto.fromObject(object.elemType);
                  }
                  return message;
                }),
                (Optional.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  return (
                    options.defaults && (object.elemType = null),
                    message.elemType != null &&
                      Object.hasOwn(message, 'elemType') &&
                      (object.elemType = $root.onnx.TypeProto.toObject(message.elemType, options)),
                    object
                  );
                }),
                (Optional.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                Optional
              );
            })()),
            (TypeProto.SparseTensor = (() => {
              function SparseTensor(properties) {
                if (properties)
                  for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                    properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
              }
              return (
                (SparseTensor.prototype.elemType = 0),
                (SparseTensor.prototype.shape = null),
                (SparseTensor.create = (properties) => new SparseTensor(properties)),
                (SparseTensor.encode = (message, writer) => (
                  writer || (writer = $Writer.create()),
                  message.elemType != null &&
                    Object.hasOwn(message, 'elemType') &&
                    writer
                      .uint32(
                        /* id 1, wireType 0 =*/
                        8,
                      )
                      .int32(message.elemType),
                  message.shape != null &&
                    Object.hasOwn(message, 'shape') &&
                    $root.onnx.TensorShapeProto.encode(
                      message.shape,
                      writer
                        .uint32(
                          /* id 2, wireType 2 =*/
                          18,
                        )
                        .fork(),
                    ).ldelim(),
                  writer
                )),
                (SparseTensor.encodeDelimited = function (message, writer) {
                  return this.encode(message, writer).ldelim();
                }),
                (SparseTensor.decode = (reader, length) => {
                  reader instanceof $Reader || (reader = $Reader.create(reader));
                  for (
                    var end = length === void 0 ? reader.len : reader.pos + length,
                      message = new $root.onnx.TypeProto.SparseTensor();
                    reader.pos < end;
                  ) {
                    var tag = reader.uint32();
                    switch (tag >>> 3) {
                      case 1:
                        message.elemType = reader.int32();
                        break;
                      case 2:
                        message.shape = $root.onnx.TensorShapeProto.decode(reader, reader.uint32());
                        break;
                      default:
                        reader.skipType(tag & 7);
                        break;
                    }
                  }
                  return message;
                }),
                (SparseTensor.decodeDelimited = function (reader) {
                  return (
                    reader instanceof $Reader || (reader = new $Reader(reader)),
                    this.decode(reader, reader.uint32())
                  );
                }),
                (SparseTensor.verify = (message) => {
                  if (typeof message != 'object' || message === null) return 'object expected';
                  if (
                    message.elemType != null &&
                    Object.hasOwn(message, 'elemType') &&
                    !$util.isInteger(message.elemType)
                  )
                    return 'elemType: integer expected';
                  if (message.shape != null && Object.hasOwn(message, 'shape')) {
                    var error = $root.onnx.TensorShapeProto.verify(message.shape);
                    if (error) return 'shape.' + error;
                  }
                  return null;
                }),
                (SparseTensor.fromObject = (object) => {
                  if (object instanceof $root.onnx.TypeProto.SparseTensor) return object;
                  var message = new $root.onnx.TypeProto.SparseTensor();
                  if (
                    (object.elemType != null && (message.elemType = object.elemType | 0),
                    object.shape != null)
                  ) {
                    if (typeof object.shape != 'object')
                      throw TypeError('.onnx.TypeProto.SparseTensor.shape: object expected');
                    message.shape = $root.onnx.TensorShapeProto.fromObject(object.shape);
                  }
                  return message;
                }),
                (SparseTensor.toObject = (message, options) => {
                  options || (options = {});
                  var object = {};
                  return (
                    options.defaults && ((object.elemType = 0), (object.shape = null)),
                    message.elemType != null &&
                      Object.hasOwn(message, 'elemType') &&
                      (object.elemType = message.elemType),
                    message.shape != null &&
                      Object.hasOwn(message, 'shape') &&
                      (object.shape = $root.onnx.TensorShapeProto.toObject(message.shape, options)),
                    object
                  );
                }),
                (SparseTensor.prototype.toJSON = function () {
                  return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
                }),
                SparseTensor
              );
            })()),
            TypeProto
          );
        })()),
        (onnx2.OperatorSetIdProto = (() => {
          function OperatorSetIdProto(properties) {
            if (properties)
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (OperatorSetIdProto.prototype.domain = ''),
            (OperatorSetIdProto.prototype.version = $util.Long ? $util.Long.fromBits(0, 0, !1) : 0),
            (OperatorSetIdProto.create = (properties) => new OperatorSetIdProto(properties)),
            (OperatorSetIdProto.encode = (message, writer) => (
              writer || (writer = $Writer.create()),
              message.domain != null &&
                Object.hasOwn(message, 'domain') &&
                writer
                  .uint32(
                    /* id 1, wireType 2 =*/
                    10,
                  )
                  .string(message.domain),
              message.version != null &&
                Object.hasOwn(message, 'version') &&
                writer
                  .uint32(
                    /* id 2, wireType 0 =*/
                    16,
                  )
                  .int64(message.version),
              writer
            )),
            (OperatorSetIdProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (OperatorSetIdProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.OperatorSetIdProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.domain = reader.string();
                    break;
                  case 2:
                    message.version = reader.int64();
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (OperatorSetIdProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (OperatorSetIdProto.verify = (message) =>
              typeof message != 'object' || message === null
                ? 'object expected'
                : message.domain != null &&
                    Object.hasOwn(message, 'domain') &&
                    !$util.isString(message.domain)
                  ? 'domain: string expected'
                  : message.version != null &&
                      Object.hasOwn(message, 'version') &&
                      !$util.isInteger(message.version) &&
                      !(
                        message.version &&
                        $util.isInteger(message.version.low) &&
                        $util.isInteger(message.version.high)
                      )
                    ? 'version: integer|Long expected'
                    : null),
            (OperatorSetIdProto.fromObject = (object) => {
              if (object instanceof $root.onnx.OperatorSetIdProto) return object;
              var message = new $root.onnx.OperatorSetIdProto();
              return (
                object.domain != null && (message.domain = String(object.domain)),
                object.version != null &&
                  ($util.Long
                    ? ((message.version = $util.Long.fromValue(object.version)).unsigned = !1)
                    : typeof object.version == 'string'
                      ? (message.version = parseInt(object.version, 10))
                      : typeof object.version == 'number'
                        ? (message.version = object.version)
                        : typeof object.version == 'object' &&
                          (message.version = new $util.LongBits(
                            object.version.low >>> 0,
                            object.version.high >>> 0,
                          ).toNumber())),
                message
              );
            }),
            (OperatorSetIdProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (options.defaults)
                if (((object.domain = ''), $util.Long)) {
                  var long = new $util.Long(0, 0, !1);
                  object.version =
                    options.longs === String
                      ? long.toString()
                      : options.longs === Number
                        ? long.toNumber()
                        : long;
                } else object.version = options.longs === String ? '0' : 0;
              return (
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  (object.domain = message.domain),
                message.version != null &&
                  Object.hasOwn(message, 'version') &&
                  (typeof message.version == 'number'
                    ? (object.version = options.longs === String ? String(message.version) : message.version)
                    : (object.version =
                        options.longs === String
                          ? $util.Long.prototype.toString.call(message.version)
                          : options.longs === Number
                            ? new $util.LongBits(
                                message.version.low >>> 0,
                                message.version.high >>> 0,
                              ).toNumber()
                            : message.version)),
                object
              );
            }),
            (OperatorSetIdProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            OperatorSetIdProto
          );
        })()),
        (onnx2.OperatorStatus = (() => {
          var valuesById = {},
            values = Object.create(valuesById);
          return (
            (values[(valuesById[0] = 'EXPERIMENTAL')] = 0), (values[(valuesById[1] = 'STABLE')] = 1), values
          );
        })()),
        (onnx2.FunctionProto = (() => {
          function FunctionProto(properties) {
            if (
              ((this.input = []),
              (this.output = []),
              (this.attribute = []),
              (this.node = []),
              (this.opsetImport = []),
              properties)
            )
              for (var keys = Object.keys(properties), i = 0; i < keys.length; ++i)
                properties[keys[i]] != null && (this[keys[i]] = properties[keys[i]]);
          }
          return (
            (FunctionProto.prototype.name = ''),
            (FunctionProto.prototype.input = $util.emptyArray),
            (FunctionProto.prototype.output = $util.emptyArray),
            (FunctionProto.prototype.attribute = $util.emptyArray),
            (FunctionProto.prototype.node = $util.emptyArray),
            (FunctionProto.prototype.docString = ''),
            (FunctionProto.prototype.opsetImport = $util.emptyArray),
            (FunctionProto.prototype.domain = ''),
            (FunctionProto.create = (properties) => new FunctionProto(properties)),
            (FunctionProto.encode = (message, writer) => {
              if (
                (writer || (writer = $Writer.create()),
                message.name != null &&
                  Object.hasOwn(message, 'name') &&
                  writer
                    .uint32(
                      /* id 1, wireType 2 =*/
                      10,
                    )
                    .string(message.name),
                message.input != null && message.input.length)
              )
                for (var i = 0; i < message.input.length; ++i)
                  writer
                    .uint32(
                      /* id 4, wireType 2 =*/
                      34,
                    )
                    .string(message.input[i]);
              if (message.output != null && message.output.length)
                for (var i = 0; i < message.output.length; ++i)
                  writer
                    .uint32(
                      /* id 5, wireType 2 =*/
                      42,
                    )
                    .string(message.output[i]);
              if (message.attribute != null && message.attribute.length)
                for (var i = 0; i < message.attribute.length; ++i)
                  writer
                    .uint32(
                      /* id 6, wireType 2 =*/
                      50,
                    )
                    .string(message.attribute[i]);
              if (message.node != null && message.node.length)
                for (var i = 0; i < message.node.length; ++i)
                  $root.onnx.NodeProto.encode(
                    message.node[i],
                    writer
                      .uint32(
                        /* id 7, wireType 2 =*/
                        58,
                      )
                      .fork(),
                  ).ldelim();
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  writer
                    .uint32(
                      /* id 8, wireType 2 =*/
                      66,
                    )
                    .string(message.docString),
                message.opsetImport != null && message.opsetImport.length)
              )
                for (var i = 0; i < message.opsetImport.length; ++i)
                  $root.onnx.OperatorSetIdProto.encode(
                    message.opsetImport[i],
                    writer
                      .uint32(
                        /* id 9, wireType 2 =*/
                        74,
                      )
                      .fork(),
                  ).ldelim();
              return (
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  writer
                    .uint32(
                      /* id 10, wireType 2 =*/
                      82,
                    )
                    .string(message.domain),
                writer
              );
            }),
            (FunctionProto.encodeDelimited = function (message, writer) {
              return this.encode(message, writer).ldelim();
            }),
            (FunctionProto.decode = (reader, length) => {
              reader instanceof $Reader || (reader = $Reader.create(reader));
              for (
                var end = length === void 0 ? reader.len : reader.pos + length,
                  message = new $root.onnx.FunctionProto();
                reader.pos < end;
              ) {
                var tag = reader.uint32();
                switch (tag >>> 3) {
                  case 1:
                    message.name = reader.string();
                    break;
                  case 4:
                    (message.input && message.input.length) || (message.input = []),
                      message.input.push(reader.string());
                    break;
                  case 5:
                    (message.output && message.output.length) || (message.output = []),
                      message.output.push(reader.string());
                    break;
                  case 6:
                    (message.attribute && message.attribute.length) || (message.attribute = []),
                      message.attribute.push(reader.string());
                    break;
                  case 7:
                    (message.node && message.node.length) || (message.node = []),
                      message.node.push($root.onnx.NodeProto.decode(reader, reader.uint32()));
                    break;
                  case 8:
                    message.docString = reader.string();
                    break;
                  case 9:
                    (message.opsetImport && message.opsetImport.length) || (message.opsetImport = []),
                      message.opsetImport.push($root.onnx.OperatorSetIdProto.decode(reader, reader.uint32()));
                    break;
                  case 10:
                    message.domain = reader.string();
                    break;
                  default:
                    reader.skipType(tag & 7);
                    break;
                }
              }
              return message;
            }),
            (FunctionProto.decodeDelimited = function (reader) {
              return (
                reader instanceof $Reader || (reader = new $Reader(reader)),
                this.decode(reader, reader.uint32())
              );
            }),
            (FunctionProto.verify = (message) => {
              if (typeof message != 'object' || message === null) return 'object expected';
              if (message.name != null && Object.hasOwn(message, 'name') && !$util.isString(message.name))
                return 'name: string expected';
              if (message.input != null && Object.hasOwn(message, 'input')) {
                if (!Array.isArray(message.input)) return 'input: array expected';
                for (var i = 0; i < message.input.length; ++i)
                  if (!$util.isString(message.input[i])) return 'input: string[] expected';
              }
              if (message.output != null && Object.hasOwn(message, 'output')) {
                if (!Array.isArray(message.output)) return 'output: array expected';
                for (var i = 0; i < message.output.length; ++i)
                  if (!$util.isString(message.output[i])) return 'output: string[] expected';
              }
              if (message.attribute != null && Object.hasOwn(message, 'attribute')) {
                if (!Array.isArray(message.attribute)) return 'attribute: array expected';
                for (var i = 0; i < message.attribute.length; ++i)
                  if (!$util.isString(message.attribute[i])) return 'attribute: string[] expected';
              }
              if (message.node != null && Object.hasOwn(message, 'node')) {
                if (!Array.isArray(message.node)) return 'node: array expected';
                for (var i = 0; i < message.node.length; ++i) {
                  var error = $root.onnx.NodeProto.verify(message.node[i]);
                  if (error) return 'node.' + error;
                }
              }
              if (
                message.docString != null &&
                Object.hasOwn(message, 'docString') &&
                !$util.isString(message.docString)
              )
                return 'docString: string expected';
              if (message.opsetImport != null && Object.hasOwn(message, 'opsetImport')) {
                if (!Array.isArray(message.opsetImport)) return 'opsetImport: array expected';
                for (var i = 0; i < message.opsetImport.length; ++i) {
                  var error = $root.onnx.OperatorSetIdProto.verify(message.opsetImport[i]);
                  if (error) return 'opsetImport.' + error;
                }
              }
              return message.domain != null &&
                Object.hasOwn(message, 'domain') &&
                !$util.isString(message.domain)
                ? 'domain: string expected'
                : null;
            }),
            (FunctionProto.fromObject = (object) => {
              if (object instanceof $root.onnx.FunctionProto) return object;
              var message = new $root.onnx.FunctionProto();
              if ((object.name != null && (message.name = String(object.name)), object.input)) {
                if (!Array.isArray(object.input))
                  throw TypeError('.onnx.FunctionProto.input: array expected');
                message.input = [];
                for (var i = 0; i < object.input.length; ++i) message.input[i] = String(object.input[i]);
              }
              if (object.output) {
                if (!Array.isArray(object.output))
                  throw TypeError('.onnx.FunctionProto.output: array expected');
                message.output = [];
                for (var i = 0; i < object.output.length; ++i) message.output[i] = String(object.output[i]);
              }
              if (object.attribute) {
                if (!Array.isArray(object.attribute))
                  throw TypeError('.onnx.FunctionProto.attribute: array expected');
                message.attribute = [];
                for (var i = 0; i < object.attribute.length; ++i)
                  message.attribute[i] = String(object.attribute[i]);
              }
              if (object.node) {
                if (!Array.isArray(object.node)) throw TypeError('.onnx.FunctionProto.node: array expected');
                message.node = [];
                for (var i = 0; i < object.node.length; ++i) {
                  if (typeof object.node[i] != 'object')
                    throw TypeError('.onnx.FunctionProto.node: object expected');
                  message.node[i] = $root.onnx.NodeProto.fromObject(object.node[i]);
                }
              }
              if (
                (object.docString != null && (message.docString = String(object.docString)),
                object.opsetImport)
              ) {
                if (!Array.isArray(object.opsetImport))
                  throw TypeError('.onnx.FunctionProto.opsetImport: array expected');
                message.opsetImport = [];
                for (var i = 0; i < object.opsetImport.length; ++i) {
                  if (typeof object.opsetImport[i] != 'object')
                    throw TypeError('.onnx.FunctionProto.opsetImport: object expected');
                  message.opsetImport[i] = $root.onnx.OperatorSetIdProto.fromObject(object.opsetImport[i]);
                }
              }
              return (object.domain != null && (message.domain = String(object.domain)), message);
            }),
            (FunctionProto.toObject = (message, options) => {
              options || (options = {});
              var object = {};
              if (
                ((options.arrays || options.defaults) &&
                  ((object.input = []),
                  (object.output = []),
                  (object.attribute = []),
                  (object.node = []),
                  (object.opsetImport = [])),
                options.defaults && ((object.name = ''), (object.docString = ''), (object.domain = '')),
                message.name != null && Object.hasOwn(message, 'name') && (object.name = message.name),
                message.input && message.input.length)
              ) {
                object.input = [];
                for (var j = 0; j < message.input.length; ++j) object.input[j] = message.input[j];
              }
              if (message.output && message.output.length) {
                object.output = [];
                for (var j = 0; j < message.output.length; ++j) object.output[j] = message.output[j];
              }
              if (message.attribute && message.attribute.length) {
                object.attribute = [];
                for (var j = 0; j < message.attribute.length; ++j) object.attribute[j] = message.attribute[j];
              }
              if (message.node && message.node.length) {
                object.node = [];
                for (var j = 0; j < message.node.length; ++j)
                  object.node[j] = $root.onnx.NodeProto.toObject(message.node[j], options);
              }
              if (
                (message.docString != null &&
                  Object.hasOwn(message, 'docString') &&
                  (object.docString = message.docString),
                message.opsetImport && message.opsetImport.length)
              ) {
                object.opsetImport = [];
                for (var j = 0; j < message.opsetImport.length; ++j)
                  object.opsetImport[j] = $root.onnx.OperatorSetIdProto.toObject(
                    message.opsetImport[j],
                    options,
                  );
              }
              return (
                message.domain != null &&
                  Object.hasOwn(message, 'domain') &&
                  (object.domain = message.domain),
                object
              );
            }),
            (FunctionProto.prototype.toJSON = function () {
              return this.constructor.toObject(this, $protobuf.util.toJSONOptions);
            }),
            FunctionProto
          );
        })()),
        onnx2
      );
    })();
    module.exports = $root;
  },
});

// core/not-a-model.ts
function refuseStandIns(bytes, source) {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (start.startsWith('version https://git-lfs'))
    throw new UserError(
      `${source} is a pointer of Git LFS in the place of the file itself; git lfs pull gets that`,
    );
  if (/^\s*<(!doctype|html|\?xml)/i.test(start))
    throw new UserError(`${source} is a web page in the place of the file itself; download that`);
}

// core/onnx/newer-fields.ts
var import_onnx_proto = __toESM(require_onnx(), 1);

// core/onnx/wire-schema.ts
var FIELDS = {
    Model: {
      1: 'int',
      2: 'bytes',
      3: 'bytes',
      4: 'bytes',
      5: 'int',
      6: 'bytes',
      7: 'Graph!',
      8: 'Opset',
      14: 'Entry',
      20: 'Training',
      25: 'Function',
      26: 'Configuration configuration[]',
    },
    Graph: {
      1: 'Node',
      2: 'bytes',
      5: 'Tensor',
      10: 'bytes',
      11: 'Value',
      12: 'Value',
      13: 'Value',
      14: 'Annotation',
      15: 'Sparse',
      16: 'Entry metadataProps[]',
    },
    Node: {
      1: 'bytes',
      2: 'bytes',
      3: 'bytes',
      4: 'bytes',
      5: 'Attribute',
      6: 'bytes',
      7: 'bytes',
      8: 'bytes overload',
      9: 'Entry metadataProps[]',
      10: 'NodeConfiguration deviceConfigurations[]',
    },
    Attribute: {
      1: 'bytes',
      2: 'float',
      3: 'int',
      4: 'bytes',
      5: 'Tensor!',
      6: 'Graph!',
      7: 'floats',
      8: 'ints',
      9: 'bytes',
      10: 'Tensor',
      11: 'Graph',
      13: 'bytes',
      14: 'Type!',
      15: 'Type',
      20: 'int',
      21: 'bytes',
      22: 'Sparse!',
      23: 'Sparse',
    },
    Tensor: {
      1: 'ints',
      2: 'int',
      3: 'Segment!',
      4: 'floats',
      5: 'int32s',
      6: 'bytes',
      7: 'ints',
      8: 'bytes',
      9: 'bytes',
      10: 'doubles',
      11: 'ints',
      12: 'bytes',
      13: 'Entry',
      14: 'int',
      16: 'Entry metadataProps[]',
    },
    Segment: { 1: 'int', 2: 'int' },
    Sparse: { 1: 'Tensor!', 2: 'Tensor!', 3: 'ints' },
    Value: { 1: 'bytes', 2: 'Type!', 3: 'bytes', 4: 'Entry metadataProps[]' },
    Type: {
      1: 'TensorType!',
      4: 'ElementType!',
      5: 'MapType!',
      6: 'bytes',
      7: 'OpaqueType! opaqueType',
      8: 'TensorType!',
      9: 'ElementType!',
    },
    TensorType: { 1: 'int', 2: 'Shape!' },
    Shape: { 1: 'Dimension' },
    Dimension: { 1: 'int', 2: 'bytes', 3: 'bytes' },
    /** Of a sequence or an optional value. */
    ElementType: { 1: 'Type!' },
    MapType: { 1: 'int', 2: 'Type!' },
    OpaqueType: { 1: 'bytes domain', 2: 'bytes name' },
    Annotation: { 1: 'bytes', 2: 'Entry' },
    Entry: { 1: 'bytes', 2: 'bytes' },
    Opset: { 1: 'bytes', 2: 'int' },
    Training: { 1: 'Graph!', 2: 'Graph!', 3: 'Entry', 4: 'Entry' },
    Function: {
      1: 'bytes',
      4: 'bytes',
      5: 'bytes',
      6: 'bytes',
      7: 'Node',
      8: 'bytes',
      9: 'Opset',
      10: 'bytes',
      11: 'Attribute attributeProto[]',
      12: 'Value valueInfo[]',
      13: 'bytes overload',
      14: 'Entry metadataProps[]',
    },
    /** How a node runs on several devices. */
    NodeConfiguration: { 1: 'bytes configurationId', 2: 'Sharding shardingSpec[]', 3: 'int pipelineStage' },
    Sharding: {
      1: 'bytes tensorName',
      2: 'ints device[]',
      3: 'DeviceGroup indexToDeviceGroupMap[]',
      4: 'ShardedDim shardedDim[]',
    },
    DeviceGroup: { 1: 'int key', 2: 'ints value[]' },
    ShardedDim: { 1: 'int axis', 2: 'SimpleShardedDim simpleSharding[]' },
    SimpleShardedDim: { 1: 'int dimValue', 2: 'bytes dimParam', 3: 'int numShards' },
    Configuration: { 1: 'bytes name', 2: 'int numDevices', 3: 'bytes device[]' },
  },
  WIRE_SCHEMA = new Map(
    Object.entries(FIELDS).map(([name, fields]) => [name, new Map(Object.entries(fields).map(toField))]),
  );
function toField([number, text]) {
  const [kind = '', name] = text.split(' '),
    newer = name === void 0 ? void 0 : { name: name.replace('[]', ''), list: name.endsWith('[]') };
  return [Number(number), { kind: kind.replace('!', ''), single: kind.endsWith('!'), newer }];
}

// core/onnx/newer-fields.ts
var { onnx } = import_onnx_proto.default,
  CLASSES = [
    ['Model', onnx.ModelProto],
    ['Graph', onnx.GraphProto],
    ['Node', onnx.NodeProto],
    ['Attribute', onnx.AttributeProto],
    ['Tensor', onnx.TensorProto],
    ['Segment', onnx.TensorProto.Segment],
    ['Sparse', onnx.SparseTensorProto],
    ['Value', onnx.ValueInfoProto],
    ['Type', onnx.TypeProto],
    ['TensorType', onnx.TypeProto.Tensor, onnx.TypeProto.SparseTensor],
    ['ElementType', onnx.TypeProto.Sequence, onnx.TypeProto.Optional],
    ['MapType', onnx.TypeProto.Map],
    ['Shape', onnx.TensorShapeProto],
    ['Dimension', onnx.TensorShapeProto.Dimension],
    ['Annotation', onnx.TensorAnnotation],
    ['Entry', onnx.StringStringEntryProto],
    ['Opset', onnx.OperatorSetIdProto],
    ['Training', onnx.TrainingInfoProto],
    ['Function', onnx.FunctionProto],
  ],
  KNOWN = new Map(CLASSES.map(([name, first]) => [name, first]));
for (const [name, ...classes] of CLASSES) for (const each of classes) extend(name, each);
function extend(name, type) {
  const { decode, encode } = type;
  (type.decode = (from, length) => {
    const plain = from instanceof Uint8Array,
      bytes = plain ? from : from.buf,
      start = plain ? 0 : from.pos,
      end = length === void 0 ? (plain ? from.length : from.len) : start + length,
      message = decode(from, length);
    return (readNewer(message, name, new Scanner(bytes, start, end)), message);
  }),
    (type.encode = (message, writer) => {
      const written = encode(message, writer);
      return (writeNewer(message, name, written), written);
    });
}
var LATER = /* @__PURE__ */ Symbol('fields of later versions');
function readNewer(target, name, scanner) {
  const message = target,
    schema = WIRE_SCHEMA.get(name);
  for (; scanner.next(); ) {
    const field = schema.get(scanner.number);
    if (!field) (message[LATER] ??= []), message[LATER].push({ tag: scanner.tag, value: scanner.value() });
    else if (field.newer) {
      const values = readValues(field.kind, scanner),
        { name: key, list } = field.newer;
      list
        ? Object.hasOwn(message, key)
          ? message[key].push(...values)
          : (message[key] = values)
        : (message[key] = values.at(-1));
    }
  }
}
function readValues(kind, scanner) {
  const value = scanner.value();
  if (typeof value == 'bigint') return [value];
  if (kind === 'bytes') return [new TextDecoder('utf-8', { ignoreBOM: !0 }).decode(value)];
  if (kind === 'ints') return new Scanner(value, 0, value.length).varints();
  const type = KNOWN.get(kind);
  if (type) return [type.decode(value)];
  const message = {};
  return (readNewer(message, kind, new Scanner(value, 0, value.length)), [message]);
}
function writeNewer(source, name, writer) {
  const message = source;
  for (const [number, { kind, newer }] of WIRE_SCHEMA.get(name)) {
    if (!newer || !Object.hasOwn(message, newer.name)) continue;
    const value = message[newer.name];
    for (const item of newer.list ? value : [value]) writeValue(number, kind, item, writer);
  }
  for (const { tag, value } of message[LATER] ?? [])
    writer.uint32(tag),
      typeof value != 'bigint'
        ? writer.bytes(value)
        : tag % 8 === VARINT
          ? writer.uint64(halves(value))
          : tag % 8 === FIXED64
            ? writer.fixed64(halves(value))
            : writer.fixed32(Number(value));
}
function writeValue(number, kind, value, writer) {
  if (kind === 'int' || kind === 'ints') {
    writer.uint32(number * 8 + VARINT).uint64(halves(value));
    return;
  }
  if ((writer.uint32(number * 8 + LENGTH), kind === 'bytes')) writer.string(value);
  else {
    writer.fork();
    const type = KNOWN.get(kind);
    type ? type.encode(value, writer) : writeNewer(value, kind, writer), writer.ldelim();
  }
}
function halves(value) {
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffffffffn), high: Number(bits >> 32n), unsigned: !0 };
}
var VARINT = 0,
  FIXED64 = 1,
  LENGTH = 2,
  Scanner = class {
    constructor(bytes, at, end) {
      this.bytes = bytes;
      this.at = at;
      this.end = end;
    }
    bytes;
    at;
    end;
    tag = 0;
    /** Where the value of the field is. */
    #from = 0;
    get number() {
      return this.tag >>> 3;
    }
    /** Goes to the next field; false at the end. */
    next() {
      if (this.at >= this.end) return !1;
      (this.tag = this.#number()), (this.#from = this.at);
      const wireType = this.tag & 7;
      if (wireType === VARINT) for (; this.bytes[this.at++] >= 128; );
      else if (wireType === LENGTH) {
        const length = this.#number();
        this.at += length;
      } else this.at += wireType === FIXED64 ? 8 : 4;
      return !0;
    }
    /** A view of the field's bytes, or its bits as a number without a sign. */
    value() {
      const wireType = this.tag & 7,
        next = this.at;
      this.at = this.#from;
      try {
        if (wireType === VARINT) return this.#varint();
        if (wireType === LENGTH) return this.bytes.subarray(next - this.#number(), next);
        let bits = 0n;
        for (let at = next - 1; at >= this.#from; at--) bits = (bits << 8n) | BigInt(this.bytes[at]);
        return bits;
      } finally {
        this.at = next;
      }
    }
    /** All that is left, as a packed list of integers. */
    varints() {
      const values = [];
      for (; this.at < this.end; ) values.push(this.#varint());
      return values;
    }
    /** A tag or a length, which a number holds. */
    #number() {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = this.bytes[this.at++];
        if (((value += (byte & 127) * factor), !(byte >= 128))) return value;
      }
    }
    #varint() {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = this.bytes[this.at++];
        if (((value |= BigInt(byte & 127) << shift), !(byte >= 128))) return value;
      }
    }
  };

// core/onnx/wire-check.ts
var MAX_DEPTH = 100,
  MAX_DECODED = 256 * 2 ** 20,
  MESSAGE_BYTES = 200,
  INTEGER_BYTES = { ints: 60, int32s: 8 },
  TEXT_BYTES = 100,
  VARINT2 = 0,
  FIXED642 = 1,
  LENGTH2 = 2,
  FIXED32 = 5,
  WIRE_TYPES = {
    int: [VARINT2],
    float: [FIXED32],
    double: [FIXED642],
    bytes: [LENGTH2],
    ints: [VARINT2, LENGTH2],
    int32s: [VARINT2, LENGTH2],
    floats: [FIXED32, LENGTH2],
    doubles: [FIXED642, LENGTH2],
  };
function checkWire(bytes, source) {
  let damaged = () => new UserError(`${source} is not an ONNX model, or is truncated`),
    budget = MAX_DECODED,
    spend = (cost) => {
      if (((budget -= cost), budget < 0))
        throw new UserError(`${source} has too many parts to be read: it would fill the memory`);
    },
    at = 0,
    varint = (end) => {
      let value = 0;
      for (let factor = 1, length = 0; length < 10; length++, factor *= 128) {
        if (at >= end) throw damaged();
        const byte = bytes[at++];
        if (((value += (byte & 127) * factor), byte < 128)) return value;
      }
      throw damaged();
    },
    skip = (wireType, end) => {
      let size = 0;
      if (wireType === VARINT2 || wireType === LENGTH2) {
        const value = varint(end);
        wireType === LENGTH2 && (size = value);
      } else if (wireType === FIXED642) size = 8;
      else if (wireType === FIXED32) size = 4;
      else throw damaged();
      if (at + size > end) throw damaged();
      at += size;
    },
    list = (kind, size) => {
      const end = at + size,
        integer = INTEGER_BYTES[kind];
      if (integer !== void 0) {
        for (; at < end; ) varint(end), spend(integer);
        return;
      }
      if (size % (kind === 'floats' ? 4 : 8) !== 0) throw damaged();
      at = end;
    },
    message = (name, end, depth) => {
      if (depth > MAX_DEPTH)
        throw new UserError(`${source} nests more than ${MAX_DEPTH} levels deep; it is damaged or hostile`);
      spend(MESSAGE_BYTES);
      const seen = /* @__PURE__ */ new Set();
      for (; at < end; ) {
        const tag = varint(end),
          wireType = tag % 8,
          number = Math.floor(tag / 8);
        if (number === 0 || tag >= 2 ** 32) throw damaged();
        const field = WIRE_SCHEMA.get(name).get(number);
        if (!field) {
          skip(wireType, end), spend(TEXT_BYTES);
          continue;
        }
        if (!(WIRE_TYPES[field.kind] ?? [LENGTH2]).includes(wireType)) throw damaged();
        if (field.single) {
          if (seen.has(number))
            throw new UserError(`${source} has two of a part that there is one of (${name})`);
          seen.add(number);
        }
        wireType === LENGTH2
          ? lengthDelimited(field, end, depth)
          : (skip(wireType, end), spend(INTEGER_BYTES[field.kind] ?? 0));
      }
    },
    lengthDelimited = ({ kind }, end, depth) => {
      const size = varint(end);
      if (at + size > end) throw damaged();
      kind === 'bytes'
        ? (spend(TEXT_BYTES), (at += size))
        : kind in WIRE_TYPES
          ? list(kind, size)
          : message(kind, at + size, depth + 1);
    };
  message('Model', bytes.length, 1);
}

// core/onnx/parse-model.ts
var ZIP = [80, 75, 3, 4];
function parseModel(bytes, source) {
  if ((refuseStandIns(bytes, source), ZIP.every((byte, i) => bytes[i] === byte)))
    throw new UserError(
      `${source} is a zip file, as of PyTorch, and no ONNX model; unzip it, or export it as ONNX`,
    );
  checkWire(bytes, source);
  let model;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch {
    throw new UserError(`${source} is not an ONNX model, or is truncated`);
  }
  const { graph } = model;
  if (!graph || (graph.node ?? []).length === 0)
    throw new UserError(`${source} is not an ONNX model: it has no graph`);
  return Object.assign(model, { graph });
}
function serializeModel(model) {
  const { buffer, byteOffset, length } = onnx.ModelProto.encode(model).finish();
  return new Uint8Array(buffer, byteOffset, length);
}

export { onnx, parseModel, require_onnx, serializeModel };
